// The suite on a store that gets every call twice, as a network may deliver it, and whose second answers are lost.
import { Coordination, CoordinationMemory } from "@weft/storage"
import { coordination } from "@weft/storage/conformance"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { TestClock } from "effect/testing"

const twice = <A, E, R>(call: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(call, (answer) => Effect.as(call, answer))

const doubled = Layer.effect(
  Coordination,
  Effect.map(Coordination, (store) =>
    Coordination.of({
      ...store,
      begin: (...args) => twice(store.begin(...args)),
      complete: (...args) => twice(store.complete(...args)),
      keep: (...args) => twice(store.keep(...args)),
      adopt: (...args) => twice(store.adopt(...args)),
      renew: (...args) => twice(store.renew(...args)),
      attach: (...args) => twice(store.attach(...args)),
      fail: (...args) => twice(store.fail(...args)),
      cancel: (...args) => twice(store.cancel(...args)),
      remove: (...args) => twice(store.remove(...args))
      // Not abandon: a named worker that is said to be lost twice, while it starts anew, is lost twice. Not detach: a
      // worker that takes over with it stays, and with the second one, which has nothing to take over, leaves.
    })
  )
)

coordination(
  "CoordinationMemory, every call doubled",
  doubled.pipe(Layer.provide(CoordinationMemory.layer), Layer.provideMerge(TestClock.layer())),
  { time: { leaseMs: 10_000, elapse: (ms) => TestClock.adjust(ms) }, usage: true, messages: true }
)
