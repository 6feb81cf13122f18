/**
 * Stores that break a promise, as systems in the field do: the laboratory must find them out.
 *
 * What is broken is put around the store as it is; what it does for that shows nowhere else.
 */
import type { InstanceId } from "@weft/core"
import type { Completion, Coordination, Reply } from "@weft/storage"
import * as Effect from "effect/Effect"

type Store = Coordination["Service"]

/**
 * Readiness is a plain counter (`INCR`): a completion that comes again, from whoever ran the same or repeats a call,
 * counts again. So a node may be ready before all it waits for is complete.
 */
export const plainCounter = (store: Store): Store => {
  let phantoms = 0
  return {
    ...store,
    complete: (run, worker, completions) =>
      Effect.flatMap(store.complete(run, worker, completions), (reply) => {
        if (reply.status !== "running" || reply.refused.length === 0) return Effect.succeed(reply)
        // Counts the same steps in the name of instances that there are not.
        const again = refusedOf(completions, reply).map(
          (one): Completion => ({
            ...one,
            instance: `phantom[${phantoms++}]`,
            keep: [],
            releases: [],
            added: 0
          })
        )
        return Effect.map(store.complete(run, worker, again), (second) => ({
          ...second,
          ready: [...reply.ready, ...second.ready],
          invoke: [...reply.invoke, ...second.invoke],
          refused: reply.refused,
          dropped: [...reply.dropped, ...second.dropped]
        }))
      }),
    state: (run) =>
      Effect.map(store.state(run), (state) => ({ ...state, completed: state.completed - phantoms }))
  }
}

/**
 * A fan-in sets a bit for each of its parents and compares (`SETBIT`): a parent that completes again finds all bits set,
 * and is told again that its child is ready. The child's results are taken whenever they come.
 */
export const readyTwice = (store: Store): Store => {
  const bits = new Map<InstanceId, Set<InstanceId>>()
  const again = new Set<InstanceId>()
  return {
    ...store,
    complete: (run, worker, completions) =>
      Effect.map(store.complete(run, worker, completions), (reply) => {
        const ready = [...reply.ready]
        const refused = new Set(reply.refused)
        for (const { instance, steps } of completions) {
          for (const { instance: child, need } of steps) {
            const set = bits.get(child) ?? new Set()
            bits.set(child, set.add(instance))
            if (!refused.has(instance) || set.size < need || reply.status !== "running") continue
            if (ready.some((one) => one.instance === child)) continue
            again.add(child)
            ready.push({ instance: child, attempt: 1, inputs: [] })
          }
        }
        return { ...reply, ready, refused: reply.refused.filter((instance) => !again.delete(instance)) }
      })
  }
}

/** Now and then what became ready is told to nobody, and nobody takes over: the run hangs. */
export const forgetful = (store: Store): Store => {
  let calls = 0
  return {
    ...store,
    complete: (run, worker, completions) =>
      Effect.map(store.complete(run, worker, completions), (reply) =>
        reply.ready.length > 0 && ++calls % 5 === 0 ? { ...reply, ready: [] } : reply
      ),
    renew: (run, workers) => store.renew(run, workers)
  }
}

/** Takes for crashed who was invoked and never came: a service that is slow, or drops invocations, fails runs. */
export const impatient = (store: Store): Store => ({
  ...store,
  adopt: (run, worker, instances, incarnation, from) =>
    Effect.tap(store.adopt(run, worker, instances, incarnation, from), () =>
      incarnation === undefined ? store.renew(run, [worker]) : Effect.void
    )
})

/** Leaves something behind. */
export const untidy = (store: Store): Store => ({ ...store, remove: () => Effect.void })

const refusedOf = (completions: ReadonlyArray<Completion>, { refused }: Reply) => {
  const wanted = new Set(refused)
  return completions.filter(({ instance }) => wanted.has(instance))
}
