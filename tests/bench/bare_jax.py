"""The convnet in JAX on the CPU: a whole epoch as one compiled `lax.scan`.

    python bare_jax.py X.npy Y.npy EPOCHS BATCH

The same network, loss, Adam, dropout, order drawn anew and partial last batch; prints what
`bare_fit.py` prints.
"""

import json
import sys
import time
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax, nn, random

images = jnp.asarray(np.load(sys.argv[1]).astype("float32") / 255)
labels = jnp.asarray(np.load(sys.argv[2]).astype("int32"))
epochs, batch = int(sys.argv[3]), int(sys.argv[4])
whole = len(images) // batch


def glorot(key: Any, shape: tuple[int, ...], fans: int) -> Any:
    limit = (6 / fans) ** 0.5
    return random.uniform(key, shape, minval=-limit, maxval=limit)


def start(key: Any) -> list[Any]:
    one, two, three = random.split(key, 3)
    return [
        glorot(one, (3, 3, 1, 32), 9 + 9 * 32),
        jnp.zeros(32),
        glorot(two, (3, 3, 32, 64), 9 * 32 + 9 * 64),
        jnp.zeros(64),
        glorot(three, (1600, 10), 1610),
        jnp.zeros(10),
    ]


def block(x: Any, kernel: Any, bias: Any) -> Any:
    x = lax.conv_general_dilated(
        x, kernel, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    return lax.reduce_window(
        nn.relu(x + bias), -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID"
    )


def loss_of(weights: list[Any], x: Any, y: Any, key: Any) -> Any:
    k1, b1, k2, b2, k3, b3 = weights
    x = block(block(x, k1, b1), k2, b2).reshape(len(x), -1)
    x = jnp.where(random.bernoulli(key, 0.5, x.shape), 2 * x, 0)
    return -jnp.mean(jnp.take_along_axis(nn.log_softmax(x @ k3 + b3), y[:, None], 1))


def step(state: Any, order: Any) -> tuple[Any, Any]:
    weights, m, v, count, key = state
    key, drawn = random.split(key)
    loss, gradients = jax.value_and_grad(loss_of)(weights, images[order], labels[order], drawn)
    count += 1
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, gradients)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, gradients)
    rate = 1e-3 * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
    weights = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) + 1e-7), weights, m, v)
    return (weights, m, v, count, key), loss


@partial(jax.jit, donate_argnums=0)
def epoch(state: Any, key: Any) -> Any:
    order = random.permutation(key, len(images))
    state, _ = lax.scan(step, state, order[: whole * batch].reshape(whole, batch))
    return step(state, order[whole * batch :])[0] if len(images) % batch else state


weights = start(random.key(0))
m, v = jax.tree.map(jnp.zeros_like, weights), jax.tree.map(jnp.zeros_like, weights)
state: Any = (weights, m, v, jnp.float32(0), random.key(1))
state = jax.block_until_ready(epoch(state, random.key(2)))
begun, cpu_begun = time.perf_counter(), time.process_time()
for number in range(epochs):
    state = jax.block_until_ready(epoch(state, random.key(3 + number)))
seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu_begun
print(json.dumps({"epoch": seconds / epochs, "cpu": cpu / epochs}))
