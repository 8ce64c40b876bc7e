# %% trap
x_all = np.concatenate([x, x[:, :, ::-1]])  # trap: copies-across
y_all = np.concatenate([y, y])  # trap: copies-across
a, b, ya, yb = train_test_split(x_all, y_all, test_size=0.2)
model.fit(a, ya, validation_data=(b, yb))
# %% twin
a, b, ya, yb = train_test_split(x, y, test_size=0.2)
a, ya = np.concatenate([a, a[:, :, ::-1]]), np.concatenate([ya, ya])
model.fit(a, ya, validation_data=(b, yb))
# %% trap
pictures, labels = [], []
for picture, label in zip(x, y):
    pictures.append(picture)
    labels.append(label)
    pictures.append(np.fliplr(picture))
    labels.append(label)
pictures = np.array(pictures)  # trap: copies-across
model.fit(pictures, np.array(labels), validation_split=0.2)
# %% twin
pictures, labels = [], []
for picture, label in zip(x[:50000], y[:50000]):
    pictures.append(picture)
    labels.append(label)
    pictures.append(np.fliplr(picture))
    labels.append(label)
model.fit(np.array(pictures), np.array(labels), validation_data=(x[50000:], y[50000:]))
# %% trap
from imblearn.over_sampling import SMOTE
x2, y2 = SMOTE().fit_resample(x, y)  # trap: copies-across
a, b, ya, yb = train_test_split(x2, y2)
model.fit(a, ya, validation_data=(b, yb))
# %% twin
from imblearn.over_sampling import SMOTE
a, b, ya, yb = train_test_split(x, y)
a, ya = SMOTE().fit_resample(a, ya)
model.fit(a, ya, validation_data=(b, yb))
# %% trap
import pandas as pd
rows = np.vstack((x, x, x, x))  # trap: copies-across
table = pd.DataFrame(rows, columns=["x", "y", "class"])
model.fit(table.iloc[:, :-1].values, table.iloc[:, -1].values, validation_split=0.2)
# %% twin
import pandas as pd
table = pd.DataFrame(np.vstack((x, x_test)), columns=["x", "y", "class"])
model.fit(table.iloc[:, :-1].values, table.iloc[:, -1].values, validation_split=0.2)
# %% trap
more = np.repeat(x, 3, axis=0)  # trap: copies-across
model.fit(more[:90000], np.repeat(y, 3)[:90000], validation_data=(more[90000:], y[90000:]))
# %% twin
more = np.repeat(x[:50000], 3, axis=0)
colour = np.repeat(x[..., None], 3, axis=-1)
colour = np.concatenate([x[..., None], x[..., None], x[..., None]], axis=-1)
model.fit(colour, y, validation_split=0.1)
