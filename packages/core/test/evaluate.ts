/**
 * A small executor that knows of a graph only what `Flow` says: for tests.
 *
 * It runs one instance at a time, in an order that `pick` decides, and throws as soon as something does not add up:
 * an instance that becomes ready twice or never, a value that is read after its last reader, or one that is left over.
 */
import { Flow, Graph, Instance, type InstanceId, Nesting, type TaskReference } from "../src/index.ts"

/** Chooses one of `count` ready instances: a number from 0 to `count - 1`. */
export type Pick = (count: number) => number

/** Choices that look random and are the same for the same seed. */
export const pickBySeed = (seed: number): Pick => {
  let state = seed
  return (count) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return (state >> 8) % count
  }
}

/** Runs a graph. Returns the targets' values in their nesting. */
export const evaluate = async (
  graph: Graph.Graph,
  tasks: ReadonlyMap<string, TaskReference>,
  pick: Pick = () => 0,
  constant: (index: number) => unknown = (index) => {
    const found = graph.columns.constants[index]!
    if ("stored" in found) throw new Error(`constant ${index} is stored apart`)
    return found.value
  }
): Promise<unknown> => {
  const execution = new Execution(graph, tasks, constant)
  await execution.run(pick)
  return execution.result()
}

interface Kept {
  readonly value: unknown
  readers: number
}

/** A run of a graph, to be driven one instance at a time. */
export class Execution {
  readonly graph: Graph.Graph
  readonly tasks: ReadonlyMap<string, TaskReference>
  readonly constant: (index: number) => unknown
  readonly ready: Array<InstanceId>
  /** What instances still wait for; those that were ready stay, at 0. */
  readonly waiting = new Map<InstanceId, number>()
  readonly values = new Map<InstanceId, Kept>()
  readonly dropped = new Set<InstanceId>()

  constructor(
    graph: Graph.Graph,
    tasks: ReadonlyMap<string, TaskReference>,
    constant: (index: number) => unknown
  ) {
    this.graph = graph
    this.tasks = tasks
    this.constant = constant
    this.ready = Flow.initial(graph)
    for (const instance of this.ready) this.waiting.set(instance, 0)
  }

  /** Runs all there is to run, and checks what is left. */
  async run(pick: Pick) {
    while (this.ready.length > 0) await this.runOne(this.ready[pick(this.ready.length)]!)
    const stuck = [...this.waiting].filter(([, count]) => count !== 0)
    if (stuck.length > 0) throw new Error(`never ready: ${JSON.stringify(stuck)}`)
    const left = [...this.values].filter(
      ([instance, { readers }]) => readers !== 1 || !this.graph.targets.has(Instance.nodeOf(instance))
    )
    if (left.length > 0) throw new Error(`left over: ${JSON.stringify(left)}`)
  }

  result(): unknown {
    return this.fill(this.graph.columns.targets, (node) => this.read(node))
  }

  /** Runs and completes one instance that is ready. */
  async runOne(instance: InstanceId) {
    const { graph } = this
    const place = this.ready.indexOf(instance)
    if (place === -1) throw new Error(`${instance} is not ready`)
    this.ready.splice(place, 1)
    const id = Instance.nodeOf(instance)
    const indices = Instance.indicesOf(instance)
    const args = graph.columns.args[id]!
    let width = 0
    switch (graph.kind(id)) {
      case "call": {
        const seen = this.visible(Flow.inputs(graph, instance))
        this.keep(
          instance,
          await this.call(
            id,
            args.map((arg) => this.fill(arg, seen))
          )
        )
        break
      }
      case "expand": {
        const elements = this.fill(
          args[0],
          this.visible(Flow.inputs(graph, instance))
        ) as ReadonlyArray<unknown>
        width = elements.length
        this.keep(instance, width)
        const { item } = graph.columns.scopes.find(({ expand }) => expand === id)!
        if (item !== undefined)
          for (const [k, element] of elements.entries())
            this.keep(Instance.make(item, [...indices, k]), element)
        break
      }
      case "gate": {
        const [opened, ...more] = Flow.inputs(graph, instance)
        if (more.length > 0) throw new Error(`gate ${instance} reads more than a list's length`)
        width = this.read(opened!) as number
        break
      }
      case "collect": {
        const opened = Instance.make((args[0] as Graph.Ref).node, indices)
        if (!Flow.inputs(graph, instance).includes(opened))
          throw new Error(`${instance} does not read its width`)
        width = this.read(opened) as number
        const inputs = Flow.inputs(graph, instance, width)
        const elements = Array.from({ length: width }, (_, k) =>
          this.fill(args[1], this.visible(inputs, k, graph.over(id)))
        )
        this.keep(instance, elements)
        break
      }
      case "item":
        throw new Error(`item ${instance} is run`)
    }
    for (const step of Flow.steps(graph, instance, width)) this.step(step)
    for (const release of Flow.releases(graph, instance, width)) this.release(release)
  }

  async call(id: number, args: ReadonlyArray<unknown>): Promise<unknown> {
    const { run } = this.tasks.get(this.graph.name(id))!
    const result: unknown = await (run as (...args: ReadonlyArray<unknown>) => unknown)(...args)
    return typeof result === "object" && result !== null && "next" in result
      ? [...(result as Generator)]
      : result
  }

  /** Reads a node's value by way of the inputs only. In a collect, inside of its scope that of element `k`. */
  visible(inputs: ReadonlyArray<InstanceId>, k?: number, over?: number): (node: number) => unknown {
    return (node) => {
      const isGathered = over !== undefined && this.graph.columns.scopeOf[node] === over
      const found = inputs.filter(
        (input) => Instance.nodeOf(input) === node && (!isGathered || Instance.indicesOf(input).at(-1) === k)
      )
      if (found.length !== 1) throw new Error(`${found.length} inputs are node ${node}`)
      return this.read(found[0]!)
    }
  }

  fill(nesting: unknown, read: (node: number) => unknown): unknown {
    return Nesting.map(nesting, {
      leaf: (leaf) =>
        leaf instanceof Graph.Ref
          ? read(leaf.node)
          : leaf instanceof Graph.Const
            ? this.constant(leaf.index)
            : leaf
    })
  }

  read(instance: InstanceId): unknown {
    const kept = this.values.get(instance)
    if (kept !== undefined) return kept.value
    throw new Error(
      `${instance} is read ${this.dropped.has(instance) ? "after it was dropped" : "too early"}`
    )
  }

  keep(instance: InstanceId, value: unknown) {
    if (this.values.has(instance) || this.dropped.has(instance)) throw new Error(`${instance} has two values`)
    const readers = Flow.readersOf(this.graph, Instance.nodeOf(instance))
    if (readers === 0) this.dropped.add(instance)
    else this.values.set(instance, { value, readers })
  }

  step({ delta, instance, need }: Flow.Step) {
    const before = this.waiting.get(instance) ?? need
    if (before <= 0) throw new Error(`${instance} was ready before ${delta} was added`)
    const now = before + delta
    if (now < 0) throw new Error(`${instance} waits for ${now}`)
    this.waiting.set(instance, now)
    if (now === 0) this.ready.push(instance)
  }

  release({ delta, value }: Flow.Release) {
    const kept = this.values.get(value)
    if (kept === undefined) throw new Error(`${value} is released, and not there`)
    kept.readers += delta
    if (kept.readers < 0) throw new Error(`${value} has ${kept.readers} readers`)
    if (kept.readers > 0) return
    this.values.delete(value)
    this.dropped.add(value)
  }
}
