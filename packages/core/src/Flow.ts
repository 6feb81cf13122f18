/**
 * How a run flows through a graph, instance by instance: what becomes nearer to ready when an instance completes, what
 * it reads, and which values nobody needs any more. Pure functions; worker, simulator and tests share them.
 *
 * **Readiness.** An instance waits for a number of completions: at first `graph.need` of its node. A completion
 * brings its children nearer by one. Where a list opens a scope, its expand also tells each collect how many more
 * completions to wait for, all in one step. So the store counts down to zero and need not know the graph:
 * a {@link Step} says "`instance` begins at `need`; add `delta`".
 *
 * **Values.** A stored value has a number of readers: at first {@link readersOf}. Each reader's completion takes one
 * away; a gate adds the readers that it lets in. At zero the value is dropped. Items are never run: their values, the
 * list's elements, come with the completion of the expand.
 */
import { code, type Graph, neighbours, type Ref } from "./Graph.ts"
import * as Instance from "./Instance.ts"

/** A change of how many completions an instance waits for. At zero it is ready. */
export interface Step {
  readonly instance: Instance.InstanceId
  /** What the instance waits for at first, for whoever mentions it first. */
  readonly need: number
  /** Added to what it waits for: mostly -1. */
  readonly delta: number
}

/** A change of how many readers a value still has. At zero it can be dropped. */
export interface Release {
  readonly value: Instance.InstanceId
  readonly delta: number
}

const outer = (indices: Instance.Indices) => indices.slice(0, -1)

/**
 * What a completion brings nearer.
 *
 * @param width for `expand` and `gate` the length of the list, else unused
 */
export const steps = (graph: Graph, instance: Instance.InstanceId, width = 0): Array<Step> => {
  const result: Array<Step> = []
  const { codes, scopeOf, scopes } = graph.columns
  const id = Instance.nodeOf(instance)
  const indices = Instance.indicesOf(instance)
  const scope = scopeOf[id]!
  for (let i = graph.children.start[id]!; i < graph.children.start[id + 1]!; i++) {
    const child = graph.children.list[i]!
    const need = graph.need[child]!
    const childScope = scopeOf[child]!
    if (childScope === scope) {
      const gathers =
        codes[id] === code.expand && codes[child] === code.collect && expandOf(graph, child) === id
      const delta = gathers ? graph.gathered(child) * width - 1 : -1
      result.push({ instance: indices.length === 0 ? child : Instance.make(child, indices), need, delta })
    } else if (scopes[childScope]!.parent === scope && childScope !== 0) {
      for (let k = 0; k < width; k++)
        result.push({ instance: Instance.make(child, [...indices, k]), need, delta: -1 })
    } else {
      result.push({ instance: Instance.make(child, outer(indices)), need, delta: -1 })
    }
  }
  return result
}

/** The instance of input `input` that `reader` reads, when both are outside lists of unknown place in each other. */
const seenFrom = (graph: Graph, input: number, indices: Instance.Indices): Instance.InstanceId =>
  indices.length === 0 ? input : Instance.make(input, indices.slice(0, depth(graph, input)))

/** How many lists the node is inside of. */
export const depth = (graph: Graph, id: number): number => {
  let result = 0
  for (let scope = graph.columns.scopeOf[id]!; scope !== 0; scope = graph.columns.scopes[scope]!.parent)
    result++
  return result
}

const expandOf = (graph: Graph, id: number): number => (graph.columns.args[id]![0] as Ref).node

/**
 * The values that an instance reads: for a collect those of all elements, if the width is given.
 *
 * A gate reads the list's length only; what else it waits for, it does not read.
 */
export const inputs = (
  graph: Graph,
  instance: Instance.InstanceId,
  width?: number
): Array<Instance.InstanceId> => {
  const id = Instance.nodeOf(instance)
  const indices = Instance.indicesOf(instance)
  const kind = graph.columns.codes[id]
  if (kind === code.gate) return [seenFrom(graph, expandOf(graph, id), indices)]
  const own: Array<Instance.InstanceId> = []
  const over = kind === code.collect ? graph.over(id) : undefined
  for (let i = graph.inputs.start[id]!; i < graph.inputs.start[id + 1]!; i++) {
    const input = graph.inputs.list[i]!
    if (graph.columns.scopeOf[input] !== over) own.push(seenFrom(graph, input, indices))
    else for (let k = 0; k < (width ?? 0); k++) own.push(Instance.make(input, [...indices, k]))
  }
  return own
}

/**
 * Which values lose (or, through a gate, gain) readers when an instance completes.
 *
 * @param width for `gate` and `collect` the length of the list, else unused
 */
export const releases = (graph: Graph, instance: Instance.InstanceId, width = 0): Array<Release> => {
  const id = Instance.nodeOf(instance)
  if (graph.columns.codes[id] !== code.gate) {
    return inputs(graph, instance, width).map((value) => ({ value, delta: -1 }))
  }
  const indices = Instance.indicesOf(instance)
  const admitted = neighbours(graph.children, id)
  return neighbours(graph.inputs, id).map((input) => {
    const reading = admitted.filter((child) => neighbours(graph.inputs, child).includes(input)).length
    const isWidth = input === expandOf(graph, id)
    return { value: seenFrom(graph, input, indices), delta: isWidth ? -1 : reading * width - 1 }
  })
}

/**
 * How many readers a node's value has at first: those of its own scope and the collects around it; readers further
 * inside are let in by gates. A target has one more, which is never taken away.
 */
export const readersOf = (graph: Graph, id: number): number => {
  const { scopeOf, scopes } = graph.columns
  const scope = scopeOf[id]!
  let readers = graph.targets.has(id) ? 1 : 0
  for (let i = graph.readers.start[id]!; i < graph.readers.start[id + 1]!; i++) {
    const readerScope = scopeOf[graph.readers.list[i]!]!
    if (readerScope === scope || (scope !== 0 && readerScope === scopes[scope]!.parent)) readers++
  }
  return readers
}

/** The nodes that are ready when a run begins. */
export const initial = (graph: Graph): Array<number> => {
  const ready: Array<number> = []
  for (let id = 0; id < graph.size; id++) {
    if (graph.need[id] === 0 && graph.columns.scopeOf[id] === 0 && graph.columns.codes[id] !== code.item)
      ready.push(id)
  }
  return ready
}
