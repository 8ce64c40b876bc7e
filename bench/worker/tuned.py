"""Tuned: the same training, as fast as TensorFlow does it on this device.

Network, loss, Adam, dropout, batch size, a new order every epoch and the partial last batch are
stock's.  What is not:

- the images lie on the device, and one call trains a whole epoch: a loop inside one `tf.function`
  draws the order and gathers each batch, so Python and the input are never waited for;
- XLA compiles that loop on a GPU.  On a CPU it would make the convnet ten times as slow;
- Adam is TensorFlow's fused kernel instead of Keras' dozen of operations for each weight: a tenth
  of the perceptron's CPU seconds;
- pooling comes before the activation, which then has a quarter as much to do (`pooled_first`);
- on a CPU the halves of a small batch are trained on at once and their gradients added: what takes
  one thread in one half leaves the other threads to the other.

Of Keras' metrics only the loss is kept: that of the accuracy says nothing about the test split.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from bench.worker import network
from bench.worker.messages import Job
from bench.worker.task import Ended, Task

# Raised whenever this file changes what an epoch takes: comparisons must not take Grindstone's own
# doing for the machine's.  The first one trained on whole batches.
PROGRAM = 2

# The most FLOP of a batch whose halves are trained on at once.  MNIST's batches (0.5 to 1.8e9) gain
# a tenth by it; the grind network's (6e10) keep all threads busy as they are, and lose 4 %.
_SMALL_BATCH = 1e10

# Draws an epoch's order, `(images,) int`, from a seed, `(2,) int32`.
Draw = Callable[[Any], Any]


def uses_xla(tf: Any) -> bool:
    """Whether XLA pays here: on a GPU."""
    return bool(tf.config.list_physical_devices("GPU"))


def why_not(model: Any) -> str | None:
    """Why a published network cannot be tuned; None where it can."""
    optimizer = type(model.optimizer).__name__
    if optimizer != "Adam":
        return f"it is trained with {optimizer}, and tuned has Adam alone"
    drawn = [layer.name for layer in model.layers if type(layer).__name__.startswith("Random")]
    if drawn:
        return (
            f"it turns its images while it trains ({', '.join(drawn)}), which XLA does not compile"
        )
    return None


class Tuned:
    """Trains one network on the images of one task, as often as it is asked to.

    model: holds the weights; the compiled one that is handed in is used up.
    draw: the order of an epoch's images; a new one each time unless it is given.
    """

    def __init__(
        self, tf: Any, keras: Any, model: Any, task: Task, draw: Draw | None = None
    ) -> None:
        self._tf = tf
        self.model = pooled_first(keras, model)
        network.compile_alike(keras, self.model, task.workload)
        optimizer, variables = self.model.optimizer.get_config(), self.model.trainable_variables
        self._adam = FusedAdam(tf, optimizer, variables)
        batch, flop = task.workload.batch, network.flop_per_image(self.model)
        self._epoch = tf.function(
            epoch_in_one_call(
                tf,
                self.model,
                network.loss(keras, task.workload),
                self._adam,
                task.data.x,
                batch,
                halved=halves_pay(tf, flop, batch),
                draw=draw,
            ),
            jit_compile=uses_xla(tf),
            autograph=False,
        )

    def train(self, task: Task) -> None:
        """Trains from where the weights stand, on the task's labels."""
        labels, self.model.stop_training = self._tf.constant(task.data.y), False
        for ended in timed(self._tf, self._epoch, labels, task, task.synchronise):
            task.epoch_end(ended, self.model)
            if self.model.stop_training:
                break

    def reset_optimizer(self) -> None:
        """Puts the optimizer's state back to its beginning."""
        self._adam.reset()


def timed(
    tf: Any, epoch: Any, labels: Any, of: Task | Job, synchronise: Callable[[], None]
) -> Iterator[Ended]:
    """Trains an epoch each time it is asked for one, with the seed and for the epochs of a job."""
    for number in range(1, of.epochs + 1):
        seed = tf.constant([of.seed % 2**31, number], tf.int32)
        synchronise()
        begun = time.perf_counter()
        loss = epoch(seed, labels)
        synchronise()
        ended = time.perf_counter()
        yield Ended(number, begun, ended, float(loss))


def halves_pay(tf: Any, flop: float, batch: int) -> bool:
    """Whether a batch is trained on in two halves at once: a small one, on a CPU.

    flop: of training on an image.
    """
    return not uses_xla(tf) and flop * batch <= _SMALL_BATCH


def epoch_in_one_call(
    tf: Any,
    model: Any,
    loss_of: Any,
    adam: FusedAdam,
    array: Any,
    batch: int,
    *,
    halved: bool,
    draw: Draw | None = None,
) -> Callable[[Any, Any], Any]:
    """What trains one epoch, given a seed and the labels, and returns its images' mean loss."""
    images = len(array)
    whole = images // batch
    # Copied to the device here, once: what a `tf.function` closes over stays where it lies.
    x = tf.constant(array)
    variables = model.trainable_variables

    def gradients(part: Any, share: float, labels: Any) -> tuple[Any, list[Any]]:
        """A part's share of its batch's mean loss, and that of the gradients."""
        with tf.GradientTape() as tape:
            mean = loss_of(tf.gather(labels, part), model(tf.gather(x, part), training=True))
            loss = mean * share
        return loss, tape.gradient(loss, variables)

    def step(order: Any, labels: Any) -> Any:
        """Trains on one batch and returns the sum of its images' losses."""
        size = order.shape[0]
        parts = tf.split(order, [size // 2, size - size // 2]) if halved and size > 1 else [order]
        shares = [gradients(part, part.shape[0] / size, labels) for part in parts]
        losses, of_parts = zip(*shares, strict=True)
        adam.apply([tf.add_n(each) for each in zip(*of_parts, strict=True)])
        return tf.add_n(losses) * size

    def one_epoch(seed: Any, labels: Any) -> Any:
        order = draw(seed) if draw else _shuffled(tf, images, seed)

        def next_batch(number: Any, total: Any) -> tuple[Any, Any]:
            return number + 1, total + step(tf.slice(order, [number * batch], [batch]), labels)

        start = (tf.constant(0), tf.constant(0.0))
        _, total = tf.while_loop(lambda number, _: number < whole, next_batch, start)
        if images % batch:
            total += step(order[whole * batch :], labels)
        return total / images

    return one_epoch


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

    def reset(self) -> None:
        """Puts step and moments back to zero."""
        for state in (self._steps, *(moment for pair in self._moments for moment in pair)):
            state.assign(self._tf.zeros_like(state))


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
