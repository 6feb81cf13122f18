/**
 * The shapes of work that are measured. Each is written once, for whatever makes calls: weft (a call is a node), plain
 * functions or a pool (a call is a promise that waits for those it is given).
 */

/** Makes calls. `V` stands for a value to come. */
export interface Caller<V> {
  readonly pass: (value: V | number) => V
  readonly add: (a: V, b: V) => V
  readonly gather: (values: ReadonlyArray<V>) => V
  readonly make: (bytes: number) => V
  readonly length: (bytes: V) => V
  readonly burn: (iterations: number) => V
}

/** A shape of work. */
export interface Shape {
  readonly name: string
  /** How many calls it makes. */
  readonly calls: number
  readonly build: <V>(caller: Caller<V>) => V
  /** What comes out; `undefined` if that depends on the machine. */
  readonly expected: number | undefined
}

const times = <V>(count: number, make: (i: number) => V): Array<V> =>
  Array.from({ length: count }, (_, i) => make(i))

export const chain = (count: number): Shape => ({
  name: `chain ${count}`,
  calls: count,
  build: (caller) => {
    let at = caller.pass(1)
    for (let i = 1; i < count; i++) at = caller.pass(at)
    return at
  },
  expected: 1
})

export const fan = (width: number): Shape => ({
  name: `fan-out and fan-in ${width}`,
  calls: width + 2,
  build: (caller) => {
    const source = caller.pass(1)
    return caller.gather(times(width, () => caller.pass(source)))
  },
  expected: width
})

export const tree = (leaves: number): Shape => ({
  name: `tree reduction ${leaves}`,
  calls: 2 * leaves - 1,
  build: (caller) => {
    let level = times(leaves, () => caller.pass(1))
    while (level.length > 1)
      level = times(level.length / 2, (i) => caller.add(level[2 * i]!, level[2 * i + 1]!))
    return level[0]!
  },
  expected: leaves % 1_000_003
})

export const image = (tiles: number, filters: number): Shape => ({
  name: `image 1 + ${tiles} × ${filters} + 1`,
  calls: tiles * filters + 2,
  build: (caller) => {
    const split = caller.pass(1)
    return caller.gather(times(tiles, () => times(filters, (i) => i).reduce((at) => caller.pass(at), split)))
  },
  expected: tiles
})

/** Numerical Recipes' linear congruential generator: the same graph in every run. */
const random = (seed: number) => () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32

/** Layers of nodes that each read two of the layer before. */
const layered = (layers: number, width: number): Shape => ({
  name: `layered random ${layers * width}`,
  calls: layers * width + 1,
  build: (caller) => {
    const next = random(42)
    let layer = times(width, () => caller.pass(1))
    for (let depth = 1; depth < layers; depth++) {
      const before = layer
      const any = () => before[Math.floor(next() * width)]!
      layer = times(width, () => caller.add(any(), any()))
    }
    return caller.gather(layer)
  },
  expected: undefined
})

const payload = (bytes: number, readers: number): Shape => ({
  name: `payload ${bytes / 2 ** 20} MiB to ${readers} readers`,
  calls: readers + 2,
  build: (caller) => {
    const value = caller.make(bytes)
    return caller.gather(times(readers, () => caller.length(value)))
  },
  expected: bytes * readers
})

/** Tasks that compute; what comes out is how long they did, in ms. */
export const cpu = (tasks: number, iterations: number): Shape => ({
  name: `CPU ${tasks} × 50 ms`,
  calls: tasks + 1,
  build: (caller) => caller.gather(times(tasks, () => caller.burn(iterations))),
  expected: undefined
})

/** All shapes. `iterations` make `burn` take about 50 ms; `quick` makes everything small. */
export const shapes = (iterations: number, quick: boolean): ReadonlyArray<Shape> =>
  quick
    ? [chain(50), fan(200), tree(64), image(4, 3), layered(5, 20), payload(2 ** 17, 4), cpu(4, iterations)]
    : [
        chain(1000),
        ...[1000, 10_000, 100_000].map(fan),
        ...[1024, 16_384, 2 ** 19].map(tree),
        image(16, 8),
        layered(100, 1000),
        payload(2 ** 20, 64),
        payload(10 * 2 ** 20, 16),
        cpu(64, iterations)
      ]
