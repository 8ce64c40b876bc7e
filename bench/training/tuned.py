"""Tuned: the same training, as fast as TensorFlow does it on this device.

Network, loss, Adam, dropout, batch size, a new order every epoch and the partial last batch are
stock's.  What is not:

- the images lie on the device, and one call trains a whole epoch: a loop inside one `tf.function`
  draws the order and gathers each batch, so Python and the input are never waited for;
- XLA compiles that loop on a GPU.  On a CPU it would make the convnet ten times as slow;
- Adam is TensorFlow's fused kernel instead of Keras' dozen of operations for each weight: a tenth
  of the perceptron's CPU seconds;
- pooling comes before the activation, which then has a quarter as much to do (`pooled_first`).

Of Keras' metrics only the loss is kept: that of the accuracy says nothing about the test split.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from bench.training import network
from bench.training.task import Task

# Draws an epoch's order, `(images,) int`, from a seed, `(2,) int32`.
Draw = Callable[[Any], Any]


def uses_xla(tf: Any) -> bool:
    """Whether XLA pays here: on a GPU."""
    return bool(tf.config.list_physical_devices("GPU"))


def train(tf: Any, keras: Any, model: Any, task: Task) -> Any:
    """Trains the network of a compiled model, and returns the model that now holds its weights.

    The one that is handed in is used up.
    """
    model = pooled_first(keras, model)
    network.compile_alike(keras, model, task.workload)
    run = epoch(tf, keras, model, task, lambda seed: _shuffled(tf, len(task.data.x), seed))
    for number in range(1, task.epochs + 1):
        seed = tf.constant([task.seed % 2**31, number], tf.int32)
        task.synchronise()
        begun = time.perf_counter()
        loss = run(seed)
        task.synchronise()
        ended = time.perf_counter()
        task.epoch_end(number, begun, ended, float(loss), model)
    return model


def epoch(tf: Any, keras: Any, model: Any, task: Task, draw: Draw) -> Any:
    """A function that trains one epoch on the device and returns the mean loss of its images.

    It takes the seed that `draw` draws the order of the images from.
    """
    batch, images = task.workload.batch, len(task.data.x)
    whole = images // batch
    # Copied to the device here, once: what a `tf.function` closes over stays where it lies.
    x, y = tf.constant(task.data.x), tf.constant(task.data.y)
    variables = model.trainable_variables
    loss_of = network.loss(keras, task.workload)
    adam = FusedAdam(tf, model.optimizer.get_config(), variables)

    def step(order: Any) -> Any:
        """Trains on one batch and returns the sum of its images' losses."""
        with tf.GradientTape() as tape:
            loss = loss_of(tf.gather(y, order), model(tf.gather(x, order), training=True))
        adam.apply(tape.gradient(loss, variables))
        return loss * order.shape[0]

    def one_epoch(seed: Any) -> Any:
        order = draw(seed)

        def next_batch(number: Any, total: Any) -> tuple[Any, Any]:
            return number + 1, total + step(tf.slice(order, [number * batch], [batch]))

        start = (tf.constant(0), tf.constant(0.0))
        _, total = tf.while_loop(lambda number, _: number < whole, next_batch, start)
        if images % batch:
            total += step(order[whole * batch :])
        return total / images

    return tf.function(one_epoch, jit_compile=uses_xla(tf), autograph=False)


class FusedAdam:
    """Adam as `keras.optimizers.Adam` computes it, with one kernel a weight.

    config: that optimizer's own.
    variables: the weights, Keras' or TensorFlow's.
    """

    def __init__(self, tf: Any, config: dict[str, Any], variables: list[Any]) -> None:
        self._tf = tf
        self._variables = variables
        self._moments = [[tf.Variable(tf.zeros(v.shape)) for _ in range(2)] for v in variables]
        self._steps = tf.Variable(0.0)
        self._rate = {"lr": float(config["learning_rate"]), "epsilon": float(config["epsilon"])}
        self._beta1, self._beta2 = float(config["beta_1"]), float(config["beta_2"])

    def apply(self, gradients: list[Any]) -> None:
        """Takes a step with the gradients of the variables, in their order."""
        steps = self._steps.assign_add(1.0)
        for variable, (m, v), gradient in zip(
            self._variables, self._moments, gradients, strict=True
        ):
            self._tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=m.handle,
                v=v.handle,
                beta1_power=self._beta1**steps,
                beta2_power=self._beta2**steps,
                beta1=self._beta1,
                beta2=self._beta2,
                grad=gradient,
                **self._rate,
            )


def pooled_first(keras: Any, model: Any) -> Any:
    """The same network, with the same weights, each activation behind the pooling it preceded.

    ReLU and leaky ReLU never fall as their input grows, so the activation of the greatest of four
    is the greatest of the four activations, in value and in gradient.  The layers are taken out of
    the model that is handed in.
    """
    layers = keras.layers
    ordered: list[Any] = []
    for layer in model.layers:
        behind = isinstance(layer, layers.MaxPooling2D) and ordered
        if behind and isinstance(ordered[-1], (layers.ReLU, layers.LeakyReLU)):
            ordered.insert(-1, layer)
        else:
            ordered.append(layer)
        if isinstance(layer, layers.Conv2D) and layer.activation is keras.activations.relu:
            layer.activation = keras.activations.linear
            ordered.append(layers.ReLU())
    return keras.Sequential([keras.Input(model.input_shape[1:]), *ordered])


def _shuffled(tf: Any, images: int, seed: Any) -> Any:
    """The images' numbers in a new order, drawn in Keras' way, which XLA compiles too."""
    return tf.argsort(tf.random.stateless_uniform([images], seed))
