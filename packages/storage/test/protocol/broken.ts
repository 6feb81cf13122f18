/** Stores that break one promise each: what checks the protocol must see that. */
import { CLIENT, type Completion, type Coordination, type Reply } from "@weft/storage"
import * as Effect from "effect/Effect"

type Store = Coordination["Service"]

/** Completes `steps` or `releases` of completions as if there were further instances; nobody hears of those. */
const again = (store: Store, wanted: (completion: Completion) => Partial<Completion>) => {
  let phantoms = 0
  let accepted = 0
  const complete = (
    run: string,
    worker: string,
    completions: ReadonlyArray<Completion>,
    which: (reply: Reply) => ReadonlyArray<Completion>
  ) =>
    Effect.flatMap(store.complete(run, worker, completions), (first) => {
      const repeated = which(first).map((one) => ({
        ...one,
        instance: `phantom[${phantoms++}]`,
        keep: [],
        steps: [],
        releases: [],
        ...wanted(one)
      }))
      if (repeated.length === 0 || first.status !== "running") return Effect.succeed(first)
      return Effect.map(store.complete(run, worker, repeated), (second) => {
        accepted += repeated.length - second.refused.length
        return merge(first, second)
      })
    })
  const overlay: Partial<Store> = {
    state: (run) =>
      Effect.map(store.state(run), (state) => ({ ...state, completed: state.completed - accepted })),
    subscribe: (run, channel, listener) =>
      store.subscribe(run, channel, (message) => {
        if (message.type !== "completed") listener(message)
        else {
          const completions = message.completions.filter(
            ({ instance }) => !String(instance).startsWith("phantom")
          )
          listener({ ...message, completions })
        }
      })
  }
  return { complete, overlay }
}

const merge = (first: Reply, second: Reply): Reply => ({
  now: second.now,
  status: second.status,
  ready: [...first.ready, ...second.ready],
  invoke: [...first.invoke, ...second.invoke],
  refused: first.refused,
  dropped: [...first.dropped, ...second.dropped]
})

interface Defect {
  readonly name: string
  /** How the check must begin what it says. */
  readonly seenAs: RegExp
  readonly broken: (store: Store) => Store
}

export const defects: ReadonlyArray<Defect> = [
  {
    name: "counts a second completion down again",
    seenAs: /^I[23]/,
    broken: (store) => {
      const { complete, overlay } = again(store, ({ steps }) => ({ steps }))
      const isRefused = (reply: Reply) => (one: Completion) => reply.refused.includes(one.instance)
      return {
        ...store,
        ...overlay,
        complete: (run, worker, completions) =>
          complete(run, worker, completions, (reply) => completions.filter(isRefused(reply)))
      }
    }
  },
  {
    name: "releases what was read twice",
    seenAs: /^I9/,
    broken: (store) => {
      const { complete, overlay } = again(store, ({ releases }) => ({
        releases: releases.filter(({ delta }) => delta < 0)
      }))
      return {
        ...store,
        ...overlay,
        complete: (run, worker, completions) => complete(run, worker, completions, () => completions)
      }
    }
  },
  {
    name: "keeps values for more readers than there are",
    seenAs: /^I9/,
    broken: (store) => ({
      ...store,
      complete: (run, worker, completions) =>
        store.complete(
          run,
          worker,
          completions.map((one) => ({
            ...one,
            keep: one.keep.map((kept) => ({ ...kept, readers: kept.readers === 0 ? 0 : kept.readers + 1 }))
          }))
        )
    })
  },
  {
    name: "accepts completions without saying that others came first",
    seenAs: /^I1/,
    broken: (store) => ({
      ...store,
      complete: (run, worker, completions) =>
        Effect.map(store.complete(run, worker, completions), (reply) => ({ ...reply, refused: [] }))
    })
  },
  {
    name: "forgets who adopts",
    seenAs: /^I(1|2, I3, I5)/,
    broken: (store) => ({
      ...store,
      adopt: (run, _, instances) => store.adopt(run, "nobody", instances)
    })
  },
  {
    name: "lets every incarnation begin",
    seenAs: /^I(1|2, I3, I5)/,
    broken: (store) => ({
      ...store,
      adopt: (run, worker, instances, _, from) => store.adopt(run, worker, instances, undefined, from)
    })
  },
  {
    name: "counts a start that took too long as a crash",
    seenAs: /^(I2, I3, I5|I[68]|attach)/,
    broken: (store) => ({
      ...store,
      adopt: (run, worker, instances, incarnation = "somebody", from) =>
        store.adopt(run, worker, instances, incarnation, from)
    })
  },
  {
    name: "does not renew leases",
    seenAs: /^(I[23]|I8|attach)/,
    broken: (store) => ({ ...store, renew: (run, _, taker) => store.renew(run, [], taker) })
  },
  {
    name: "does not take over",
    seenAs: /^(I[23]|I8|attach)/,
    broken: (store) => ({ ...store, renew: (run, workers) => store.adopt(run, workers[0] ?? "nobody", []) })
  },
  {
    name: "does not count attempts",
    seenAs: /^I2, I3, I5/,
    broken: (store) => ({
      ...store,
      renew: (run, workers, taker) =>
        Effect.map(store.renew(run, workers, taker), (reply) => ({
          ...reply,
          ready: reply.ready.map((ready) => ({ ...ready, attempt: 1 }))
        }))
    })
  },
  {
    name: "loses what became ready for a named worker",
    seenAs: /^I2, I3, I5: complete answers ready/,
    broken: (store) => ({
      ...store,
      complete: (run, worker, completions) =>
        Effect.map(store.complete(run, worker, completions), (reply) =>
          completions.length === 0 ? { ...reply, ready: [] } : reply
        )
    })
  },
  {
    name: "lets every incarnation attach",
    seenAs: /^attach/,
    broken: (store) => ({
      ...store,
      attach: (run, worker, incarnation) =>
        Effect.flatMap(store.attach(run, worker, incarnation), (reply) =>
          reply === undefined ? store.complete(run, worker, []) : Effect.succeed(reply)
        )
    })
  },
  {
    name: "ends the run with its first target",
    seenAs: /^I[189]/,
    broken: (store) => ({
      ...store,
      begin: (spec, worker) => store.begin({ ...spec, targets: spec.targets.slice(0, 1) }, worker)
    })
  },
  {
    name: "does not tell of the end",
    seenAs: /^I7/,
    broken: (store) => ({
      ...store,
      subscribe: (run, channel, listener) =>
        store.subscribe(run, channel, (message) => {
          if (channel !== CLIENT || message.type !== "ended") listener(message)
        })
    })
  },
  {
    name: "has a clock that goes back",
    seenAs: /^I4/,
    broken: (store) => {
      let calls = 0
      return {
        ...store,
        complete: (run, worker, completions) =>
          Effect.map(store.complete(run, worker, completions), (reply) => ({
            ...reply,
            now: reply.now - (++calls % 3)
          }))
      }
    }
  }
]
