/** The function's handler: what Lambda calls with each event. */
import { Stores } from "@weft/storage"
import { captureConsole, captureStreams } from "@weft/worker"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { EventClient } from "../Client.ts"
import { Event } from "../Events.ts"
import { EventError } from "../Payload.ts"
import type { Bundle } from "./Bundle.ts"
import { check } from "./Check.ts"
import { Environment, type EnvironmentSender, type Variables } from "./Environment.ts"
import type { LambdaContext } from "./LambdaContext.ts"
import { type Fault, work } from "./Work.ts"

export type Handler = (event: unknown, context: LambdaContext) => Promise<unknown>

/**
 * Makes the handler of a bundle. Imports the bundle's code and connects to the stores at once: while a function starts it
 * has a whole core, whatever its size. What goes wrong with that is told when an event needs it.
 *
 * @param variables the environment's
 * @param sender how others are invoked
 */
export const makeHandler = async (
  bundle: Bundle,
  variables: Variables = process.env,
  sender: EnvironmentSender = new EventClient()
): Promise<Handler> => {
  Stores.carry(bundle.adapters)
  capture()
  const environment = new Environment(bundle, variables, sender)
  // Each of these takes its time, and the invocation that follows has less of the processor.
  environment.renewal.start()
  Effect.runFork(Effect.ignore(environment.connection.services))
  await environment.modules.imported()
  return (event, context) => Effect.runPromise(handle(environment, event, context))
}

let isCaptured = false

/** What tasks write goes to the client as well as to the function's log. */
const capture = () => {
  if (isCaptured) return
  isCaptured = true
  captureConsole({ passOn: true })
  captureStreams({ passOn: true })
}

const decodeEvent = Schema.decodeUnknownEffect(Event)

const handle = Effect.fnUntraced(function* (
  environment: Environment,
  given: unknown,
  context: LambdaContext
) {
  const event = yield* Effect.mapError(decodeEvent(given), (cause) => foreign(given, cause))
  const { connection } = environment
  connection.thawed()
  return yield* Effect.ensuring(
    answer(environment, event, context),
    Effect.promise(() => connection.settled())
  )
})

const answer = (
  environment: Environment,
  event: Event,
  context: LambdaContext
): Effect.Effect<unknown, Fault> => {
  switch (event.weft) {
    case "work":
      return work(environment, event, context)
    case "prewarm":
      environment.isFresh = false
      return prewarm(environment, event)
    case "check":
      environment.isFresh = false
      return check(environment)
  }
}

/** Has all at hand that the next event may need, and keeps the environment taken for a while. */
const prewarm = Effect.fnUntraced(function* (
  { connection, contexts }: Environment,
  { holdMs, run }: Extract<Event, { readonly weft: "prewarm" }>
) {
  const prepared = connection.first((services) =>
    run === undefined
      ? Effect.void
      : Effect.provideContext(Effect.asVoid(contexts.of(run, undefined)), services)
  )
  // The worker that comes here later finds the same, and says what is wrong.
  yield* Effect.all([Effect.ignore(prepared, { log: "Warn" }), Effect.sleep(holdMs)], { concurrency: 2 })
  return { prewarmed: true }
})

const foreign = (given: unknown, cause: unknown): EventError => {
  const { version, weft } = Object(given) as { readonly weft?: unknown; readonly version?: unknown }
  return new EventError({
    reason:
      weft === undefined
        ? "it is not one of weft's. This function runs workers of a workflow: it is invoked by `weft run`, not by hand"
        : `it is a "${String(weft)}" of format ${String(version)}, which this version of weft does not know. Deploy anew: ` +
          "`weft deploy FILE`",
    cause
  })
}
