"""keras.io/examples/generative/conditional_gan: two optimizers, no loss called so."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

latent_dim, num_classes, image_size = 8, 3, 8
STEPS = 4


class ConditionalGAN(keras.Model):
    def __init__(self, discriminator, generator, latent_dim):
        super().__init__()
        self.discriminator = discriminator
        self.generator = generator
        self.latent_dim = latent_dim
        self.gen_loss_tracker = keras.metrics.Mean(name="generator_loss")
        self.disc_loss_tracker = keras.metrics.Mean(name="discriminator_loss")

    @property
    def metrics(self):
        return [self.gen_loss_tracker, self.disc_loss_tracker]

    def compile(self, d_optimizer, g_optimizer, loss_fn):
        super().compile()
        self.d_optimizer = d_optimizer
        self.g_optimizer = g_optimizer
        self.loss_fn = loss_fn

    def train_step(self, data):
        real_images, one_hot_labels = data
        pixels = image_size * image_size
        image_labels = tf.repeat(one_hot_labels[:, :, None, None], repeats=[pixels])
        image_labels = tf.reshape(image_labels, (-1, image_size, image_size, num_classes))
        batch_size = tf.shape(real_images)[0]
        noise = tf.random.normal(shape=(batch_size, self.latent_dim))
        labelled_noise = tf.concat([noise, one_hot_labels], axis=1)
        fakes = tf.concat([self.generator(labelled_noise), image_labels], -1)
        reals = tf.concat([real_images, image_labels], -1)
        combined = tf.concat([fakes, reals], axis=0)
        labels = tf.concat([tf.ones((batch_size, 1)), tf.zeros((batch_size, 1))], axis=0)
        with tf.GradientTape() as tape:
            d_loss = self.loss_fn(labels, self.discriminator(combined))
        grads = tape.gradient(d_loss, self.discriminator.trainable_weights)
        self.d_optimizer.apply_gradients(
            zip(grads, self.discriminator.trainable_weights, strict=True)
        )
        with tf.GradientTape() as tape:
            fakes = tf.concat([self.generator(labelled_noise), image_labels], -1)
            g_loss = self.loss_fn(tf.zeros((batch_size, 1)), self.discriminator(fakes))
        grads = tape.gradient(g_loss, self.generator.trainable_weights)
        self.g_optimizer.apply_gradients(zip(grads, self.generator.trainable_weights, strict=True))
        self.gen_loss_tracker.update_state(g_loss)
        self.disc_loss_tracker.update_state(d_loss)
        return {
            "g_loss": self.gen_loss_tracker.result(),
            "d_loss": self.disc_loss_tracker.result(),
        }


def model():
    shape = (image_size, image_size, 1 + num_classes)
    discriminator = keras.Sequential(
        [
            keras.Input(shape),
            layers.Conv2D(4, 3, strides=2, padding="same"),
            layers.LeakyReLU(negative_slope=0.2),
            layers.GlobalMaxPooling2D(),
            layers.Dense(1),
        ]
    )
    generator = keras.Sequential(
        [
            keras.Input((latent_dim + num_classes,)),
            layers.Dense(image_size * image_size, activation="sigmoid"),
            layers.Reshape((image_size, image_size, 1)),
        ]
    )
    gan = ConditionalGAN(discriminator, generator, latent_dim)
    gan.compile(
        d_optimizer=keras.optimizers.Adam(learning_rate=0.0003),
        g_optimizer=keras.optimizers.Adam(learning_rate=0.0003),
        loss_fn=keras.losses.BinaryCrossentropy(from_logits=True),
    )
    return gan


def data():
    draw = np.random.default_rng(8)
    images = draw.random((32, image_size, image_size, 1)).astype("float32")
    labels = np.eye(num_classes, dtype="float32")[draw.integers(0, num_classes, 32)]
    return tf.data.Dataset.from_tensor_slices((images, labels)).shuffle(32).batch(8).repeat()
