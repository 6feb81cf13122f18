/** Conformance: messages, which are hints (I7): all other tests pass without any. */
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { CLIENT, type Message } from "../Coordination.ts"
import { assertHeard, beginRun, done, type Kit, leadsTo, MEASURE, type TestRun, target } from "./Kit.ts"

export const messages = (kit: Kit): void => {
  describe("I7: messages", () => {
    kit.notified("the client hears what is complete, with its measure and the number of instances", () =>
      Effect.gen(function* () {
        const run = yield* beginRun({ instances: 10 })
        const heard = yield* run.listen()
        yield* run.complete("w1", done(0, { added: 5 }), done("3[0]"), done(0))
        yield* assertHeard(heard, "completions", ({ type }) => type === "completed")
        assert.deepStrictEqual(heard[0], {
          type: "completed",
          worker: "w1",
          completions: [
            { instance: 0, measure: MEASURE },
            { instance: "3[0]", measure: MEASURE }
          ],
          instances: 15
        })
      })
    )

    for (const [status, end] of [
      ["succeeded", (run: TestRun) => run.complete("w1", target)],
      [
        "failed",
        (run: TestRun) => run.fail({ instance: 0, kind: "error", worker: "w1", attempts: 1, message: "no" })
      ],
      ["cancelled", (run: TestRun) => run.cancel("enough")],
      ["gone", (run: TestRun) => run.remove]
    ] as const) {
      kit.notified(`the client hears that the run is ${status}`, () =>
        Effect.gen(function* () {
          const run = yield* beginRun()
          const heard = yield* run.listen()
          yield* end(run)
          yield* assertHeard(
            heard,
            "the end",
            (message) => message.type === "ended" && message.status === status
          )
        })
      )
    }

    kit.notified("the client hears of the last completion before it hears of the end", () =>
      Effect.gen(function* () {
        const run = yield* beginRun()
        const heard = yield* run.listen()
        yield* run.complete("w1", target)
        yield* assertHeard(heard, "the end", ({ type }) => type === "ended")
        assert.deepStrictEqual(
          heard.map(({ type }) => type),
          ["completed", "ended"]
        )
        const { begunAt, endedAt } = yield* run.state
        const ended = heard.at(-1)
        assert.strictEqual(ended?.type === "ended" ? ended.makespanMs : undefined, endedAt! - begunAt)
      })
    )

    kit.notified("the client hears of lost workers, and why", () =>
      Effect.gen(function* () {
        const run = yield* beginRun({ ready: [{ instance: 0 }, { instance: 1 }] })
        const heard = yield* run.listen()
        yield* run.adopt("w1", 0, 1)
        yield* run.abandon(["w1"], "w2", "its process died")
        yield* assertHeard(heard, "the loss", ({ type }) => type === "lost")
        assert.deepStrictEqual(heard, [
          { type: "lost", worker: "w1", instances: 2, reason: "its process died" }
        ])
      })
    )

    kit.timed("the client hears of workers that were silent", ({ leaseMs, silence }) =>
      Effect.gen(function* () {
        const run = yield* beginRun({ leaseMs })
        const heard = yield* run.listen()
        yield* run.adopt("w1", 0)
        yield* silence
        yield* run.renew([], "client")
        yield* assertHeard(heard, "the loss", (message) => message.type === "lost" && message.worker === "w1")
      })
    )

    kit.notified("what is published arrives as it was", () =>
      Effect.gen(function* () {
        const run = yield* beginRun()
        const heard = yield* run.listen()
        const sent: ReadonlyArray<Message> = [
          { type: "wake" },
          { type: "kept", values: [7, "3[0]"] },
          { type: "started", worker: "w1", instance: "3[0]" },
          { type: "retry", worker: "w1", instance: 7, tries: 2, error: "Error: no \u2028 place" },
          { type: "output", worker: "w1", instance: 7, stream: "stderr", text: 'two\nlines and a "quote"' },
          { type: "lost", worker: "w1", instances: 1, reason: "its process died" },
          { type: "unreachable", worker: "w1", detail: "nobody answers" },
          { type: "reachable", worker: "w1" },
          { type: "ended", status: "failed", makespanMs: 12 }
        ]
        for (const message of sent) yield* run.publish(CLIENT, message)
        yield* assertHeard(heard, "the last", ({ type }) => type === "ended")
        assert.deepStrictEqual(heard, sent)
      })
    )

    kit.notified("each channel of each run is heard by those who listen on it, all of them", () =>
      Effect.gen(function* () {
        const run = yield* beginRun()
        const other = yield* beginRun()
        const [one, two, elsewhere, client] = [
          yield* run.listen("n"),
          yield* run.listen("n"),
          yield* other.listen("n"),
          yield* run.listen()
        ]
        yield* run.publish("n", { type: "wake" })
        yield* other.publish("n", { type: "ended", status: "gone" })
        yield* run.publish(CLIENT, { type: "ended", status: "gone" })
        yield* assertHeard(one, "the call", ({ type }) => type === "wake")
        yield* assertHeard(two, "the call", ({ type }) => type === "wake")
        yield* assertHeard(elsewhere, "its own", ({ type }) => type === "ended")
        yield* assertHeard(client, "its own", ({ type }) => type === "ended")
        assert.deepStrictEqual([one.length, two.length, elsewhere.length, client.length], [1, 1, 1, 1])
      })
    )

    kit.notified("who no longer listens hears nothing", () =>
      Effect.gen(function* () {
        const run = yield* beginRun()
        const scope = yield* Scope.make()
        const former = yield* Scope.provide(run.listen(), scope)
        const heard = yield* run.listen()
        yield* Scope.close(scope, Exit.void)
        yield* run.complete("w1", leadsTo(0, 1))
        yield* assertHeard(heard, "completions", ({ type }) => type === "completed")
        assert.deepStrictEqual(former, [])
      })
    )
  })
}
