"""Folds and settings of a learner's notebook, with the network built once."""
import numpy as np
import tensorflow as tf
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

data = np.load("leaves.npz")
X, y = data["X"], data["y"]

simple = make_pipeline(StandardScaler(), LogisticRegression())
net = tf.keras.Sequential([
    tf.keras.layers.Dense(64, activation="relu"),
    tf.keras.layers.Dropout(0.5),
    tf.keras.layers.Dense(3, activation="softmax"),
])
net.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])

skf = StratifiedKFold(n_splits=5, shuffle=True, random_state=42)
accs = []
for fold, (train_idx, val_idx) in enumerate(skf.split(X, y)):
    simple.fit(X[train_idx], y[train_idx])
    print("logistic:", simple.score(X[val_idx], y[val_idx]))
    net.fit(X[train_idx], y[train_idx], epochs=20, verbose=0)  # trap: not-rebuilt
    loss, acc = net.evaluate(X[val_idx], y[val_idx], verbose=0)
    accs.append(acc)
print("mean accuracy", np.mean(accs))
