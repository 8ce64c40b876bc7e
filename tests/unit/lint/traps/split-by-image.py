# %% trap
table = np.genfromtxt("shots.csv", names=True)
shot_id = table["shot_id"]
a, b, ya, yb = train_test_split(x, y, test_size=0.2)  # trap: split-by-image
model.fit(a, ya, validation_data=(b, yb))
# %% twin
table = np.genfromtxt("shots.csv", names=True)
shot_ids = np.unique(table["shot_id"])
of_train, of_test = train_test_split(shot_ids, test_size=0.2)
chosen = np.isin(table["shot_id"], of_train)
model.fit(x[chosen], y[chosen], validation_data=(x[~chosen], y[~chosen]))
# %% trap
patient_ids = np.load("patients.npy")
for train, test in KFold(5).split(x):  # trap: split-by-image
    build().fit(x[train], y[train], validation_data=(x[test], y[test]))
# %% twin
from sklearn.model_selection import GroupShuffleSplit
patient_ids = np.load("patients.npy")
for train, test in GroupShuffleSplit(5).split(x, y, patient_ids):
    build().fit(x[train], y[train], validation_data=(x[test], y[test]))
