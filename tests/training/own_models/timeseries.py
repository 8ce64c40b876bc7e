"""keras.io/examples/timeseries/timeseries_weather_forecasting: an LSTM over windows."""

import keras
import numpy as np

past, step, learning_rate, batch_size = 48, 6, 0.001, 32


def model():
    inputs = keras.layers.Input(shape=(past // step, 7))
    lstm_out = keras.layers.LSTM(32)(inputs)
    outputs = keras.layers.Dense(1)(lstm_out)
    model = keras.Model(inputs=inputs, outputs=outputs)
    model.compile(optimizer=keras.optimizers.Adam(learning_rate=learning_rate), loss="mse")
    return model


def data():
    features = np.random.default_rng(7).normal(size=(400, 7))

    def windows(start, end):
        return keras.utils.timeseries_dataset_from_array(
            features[start:end],
            features[start + past : end, :1],
            sequence_length=past // step,
            sampling_rate=step,
            batch_size=batch_size,
        )

    return windows(0, 300), windows(300, 400)
