"""Fine-tuning of a published network: two trainings of one network on purpose."""
import os
import tensorflow as tf

BATCH_SIZE = 32
IMG_SIZE = (160, 160)
train_dir = os.path.join('cats_and_dogs_filtered', 'train')
validation_dir = os.path.join('cats_and_dogs_filtered', 'validation')
train_dataset = tf.keras.utils.image_dataset_from_directory(
    train_dir, shuffle=True, batch_size=BATCH_SIZE, image_size=IMG_SIZE)
validation_dataset = tf.keras.utils.image_dataset_from_directory(
    validation_dir, shuffle=False, batch_size=BATCH_SIZE, image_size=IMG_SIZE)
val_batches = tf.data.experimental.cardinality(validation_dataset)
test_dataset = validation_dataset.take(val_batches // 5)
validation_dataset = validation_dataset.skip(val_batches // 5)

preprocess_input = tf.keras.applications.mobilenet_v2.preprocess_input
IMG_SHAPE = IMG_SIZE + (3,)
base_model = tf.keras.applications.MobileNetV2(input_shape=IMG_SHAPE, include_top=False)
base_model.trainable = False
inputs = tf.keras.Input(shape=(160, 160, 3))
x = preprocess_input(inputs)
x = base_model(x, training=False)
x = tf.keras.layers.GlobalAveragePooling2D()(x)
x = tf.keras.layers.Dropout(0.2)(x)
outputs = tf.keras.layers.Dense(1, activation='sigmoid')(x)
model = tf.keras.Model(inputs, outputs)
model.compile(optimizer=tf.keras.optimizers.Adam(0.0001), loss='binary_crossentropy',
              metrics=['accuracy'])
loss0, accuracy0 = model.evaluate(validation_dataset)
history = model.fit(train_dataset, epochs=10, validation_data=validation_dataset)

base_model.trainable = True
for layer in base_model.layers[:100]:
    layer.trainable = False
model.compile(loss='binary_crossentropy', optimizer=tf.keras.optimizers.RMSprop(1e-5),
              metrics=['accuracy'])
history_fine = model.fit(train_dataset, epochs=20, initial_epoch=len(history.epoch),
                         validation_data=validation_dataset)
loss, accuracy = model.evaluate(test_dataset)
print('Test accuracy :', accuracy, 'gained', accuracy - accuracy0)
