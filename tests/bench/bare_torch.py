"""The convnet as anyone would train it with PyTorch on the CPU, eagerly.

    python bare_torch.py X.npy Y.npy EPOCHS BATCH

The same network, loss, Adam, dropout, order drawn anew and partial last batch; prints what
`bare_fit.py` prints.
"""

import json
import sys
import time

import numpy as np
import torch
from torch import nn

x = torch.from_numpy(np.load(sys.argv[1]).astype("float32") / 255).permute(0, 3, 1, 2).contiguous()
y = torch.from_numpy(np.load(sys.argv[2]).astype("int64"))
epochs, batch = int(sys.argv[3]), int(sys.argv[4])

model = nn.Sequential(
    nn.Conv2d(1, 32, 3),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(32, 64, 3),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Flatten(),
    nn.Dropout(0.5),
    nn.Linear(1600, 10),
)
loss_of = nn.CrossEntropyLoss()
adam = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7)


def train(epochs: int) -> None:
    for _ in range(epochs):
        for order in torch.randperm(len(x)).split(batch):
            adam.zero_grad()
            loss_of(model(x[order]), y[order]).backward()
            adam.step()


train(1)
begun, cpu_begun = time.perf_counter(), time.process_time()
train(epochs)
seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu_begun
print(json.dumps({"epoch": seconds / epochs, "cpu": cpu / epochs}))
