// Connections that are kept while the environment is frozen, and may be dead when it goes on.

import { StoreError, Stores } from "@weft/storage"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { expect, it } from "vitest"
import { Connection } from "../src/handler/Connection.ts"
import { STORES_VARIABLE } from "../src/Naming.ts"

class Server extends Context.Service<Server, { readonly ask: Effect.Effect<string, StoreError> }>()(
  "test/Server"
) {}

/** Each connection that is made gets the next way to answer. */
const connectionTo = (name: string, ways: Array<Effect.Effect<string, StoreError>>) => {
  const closed: Array<number> = []
  let made = 0
  const layer = Layer.effect(
    Server,
    Effect.acquireRelease(
      Effect.sync(() => ({ number: made, ask: ways[made++]! })),
      ({ number }) => Effect.sync(() => void closed.push(number))
    )
  ) as unknown as Stores.Stores["layer"]
  Stores.carry({ [name]: async () => ({ stores: () => ({ name, layer, reference: undefined }) }) })
  const connection = new Connection({ [STORES_VARIABLE]: JSON.stringify({ module: name, options: {} }) })
  const ask = () =>
    Effect.runPromise(
      connection.first((services) => Context.get(services as unknown as Context.Context<Server>, Server).ask)
    )
  return { connection, ask, closed, made: () => made }
}

const broken = new StoreError({ reason: "unavailable", operation: "ask", detail: "broken" })

/** Answers once; what comes later has `fate`. */
const onceThen = (fate: Effect.Effect<string, StoreError>) => {
  let asked = false
  return Effect.suspend(() => {
    if (asked) return fate
    asked = true
    return Effect.succeed("first")
  })
}

it.each([
  ["fails", Effect.fail(broken)],
  ["is not answered", Effect.never]
])("connects anew if the first call after a pause %s", async (what, fate) => {
  const { ask, closed, connection, made } = connectionTo(`after-${what}`, [
    onceThen(fate),
    Effect.succeed("second")
  ])
  connection.thawed()
  expect(await ask()).toBe("first")
  connection.thawed()
  expect(await ask()).toBe("second")
  await connection.settled()
  expect([made(), closed]).toEqual([2, [0]])
})

it("keeps a connection that works", async () => {
  const { ask, connection, made } = connectionTo("works", [Effect.succeed("first")])
  for (let i = 0; i < 3; i++) {
    connection.thawed()
    expect(await ask()).toBe("first")
  }
  expect(made()).toBe(1)
})

it("tells what is wrong with a new connection", async () => {
  const { ask, connection } = connectionTo("new", [Effect.fail(broken)])
  connection.thawed()
  await expect(ask()).rejects.toThrow("broken")
})

it.each([
  [undefined, "is not set"],
  ["nonsense", "is no reference to stores"],
  ['{"module": 7}', "is no reference to stores"]
])("is told how to connect: not by %s", async (text, message) => {
  const connection = new Connection({ [STORES_VARIABLE]: text })
  const error = await Effect.runPromise(Effect.flip(connection.services))
  expect(error.message).toContain(message)
  expect(error.message).toContain("weft deploy FILE --store")
})
