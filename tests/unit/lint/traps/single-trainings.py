# %% trap
wide = build(units=512)
model.fit(x, y)
wide.fit(x, y)
small_loss, small_accuracy = model.evaluate(x_test, y_test)
wide_loss, wide_accuracy = wide.evaluate(x_test, y_test)
if wide_accuracy > small_accuracy:  # trap: single-trainings
    print("wider is better")
# %% twin
scores = {64: [], 512: []}
for units in scores:
    for seed in range(5):
        keras.utils.set_random_seed(seed)
        net = build(units)
        net.fit(x, y)
        scores[units].append(net.evaluate(x_test, y_test)[1])
for units, reached in scores.items():
    print(units, np.mean(reached), np.std(reached))
# %% trap
results = {}
for units in [32, 64, 128]:
    net = build(units)
    net.fit(x, y, epochs=5)
    results[units] = net.evaluate(x_test, y_test)[1]
print("best:", max(results, key=results.get))  # trap: single-trainings
# %% twin
results = {}
for units in [32, 64, 128]:
    net = build(units)
    net.fit(x, y, epochs=5)
    results[units] = net.evaluate(x_test, y_test)[1]
print(results)
