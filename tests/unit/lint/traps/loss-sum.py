# %% trap
def squares(y_true, y_pred):
    return tf.reduce_sum(tf.square(y_true - y_pred))  # trap: loss-sum
model.compile("adam", loss=squares)
# %% twin
def squares(y_true, y_pred):
    return tf.reduce_mean(tf.square(y_true - y_pred))
def of_each(y_true, y_pred):
    return tf.reduce_sum(tf.square(y_true - y_pred), axis=-1)
def dice(y_true, y_pred):
    shared = tf.reduce_sum(y_true * y_pred)
    return 1 - (2 * shared + 1) / (tf.reduce_sum(y_true) + tf.reduce_sum(y_pred) + 1)
for loss in (squares, of_each, dice):
    model.compile("adam", loss=loss)
model.compile("adam", loss=dice)
model.compile("adam", loss=of_each)
# %% trap
summed = keras.losses.MeanSquaredError(reduction="sum")  # trap: loss-sum
model.compile("adam", loss=summed)
class Squares(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return keras.ops.sum((y_true - y_pred) ** 2)  # trap: loss-sum
model.compile("adam", loss=Squares())
# %% twin
model.compile("adam", loss=keras.losses.MeanSquaredError())
@tf.function
def step(images, labels):
    with tf.GradientTape() as tape:
        each = keras.losses.MeanSquaredError(reduction="sum")(labels, model(images))
        loss = each / 64
    return tape.gradient(loss, model.trainable_variables)
