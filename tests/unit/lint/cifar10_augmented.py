"""CIFAR-10 with ImageDataGenerator, as a blog of 2019 has it."""
import numpy as np
import matplotlib.pyplot as plt
from tensorflow.keras.datasets import cifar10
from tensorflow.keras.preprocessing.image import ImageDataGenerator
from tensorflow.keras.models import Sequential
from tensorflow.keras.layers import (Activation, BatchNormalization, Conv2D, Dense, Dropout,
                                     Flatten, MaxPooling2D)
from tensorflow.keras import regularizers
from tensorflow.keras.callbacks import LearningRateScheduler
from tensorflow.keras.utils import to_categorical

def lr_schedule(epoch):
    return 0.001 if epoch < 75 else 0.0003

(x_train, y_train), (x_test, y_test) = cifar10.load_data()
x_train = x_train.astype('float32')
x_test = x_test.astype('float32')
mean = np.mean(x_train, axis=(0, 1, 2, 3))
std = np.std(x_train, axis=(0, 1, 2, 3))
x_train = (x_train - mean) / (std + 1e-7)
x_test = (x_test - mean) / (std + 1e-7)
y_train = to_categorical(y_train, 10)
y_test = to_categorical(y_test, 10)

model = Sequential()
for filters in (32, 64, 128):
    model.add(Conv2D(filters, (3, 3), padding='same', kernel_regularizer=regularizers.l2(1e-4)))
    model.add(Activation('elu'))
    model.add(BatchNormalization())
    model.add(MaxPooling2D(pool_size=(2, 2)))
    model.add(Dropout(0.3))
model.add(Flatten())
model.add(Dense(10, activation='softmax'))

datagen = ImageDataGenerator(rotation_range=15, width_shift_range=0.1, horizontal_flip=True)
datagen.fit(x_train)
model.compile(loss='categorical_crossentropy', optimizer='adam', metrics=['accuracy'])
history = model.fit(datagen.flow(x_train, y_train, batch_size=64),
                    steps_per_epoch=x_train.shape[0] // 64, epochs=125, verbose=1,
                    validation_data=(x_test, y_test), callbacks=[LearningRateScheduler(lr_schedule)])
plt.plot(history.history['val_accuracy'])
plt.ylim(min(history.history['val_accuracy']), 1)
scores = model.evaluate(x_test, y_test, batch_size=128, verbose=1)
print('\nTest result: %.3f loss: %.3f' % (scores[1] * 100, scores[0]))
