/** What is published on channels, as text. */
import type { InstanceId } from "@weft/core"
import type { CompletedNotice, Measure, Message } from "@weft/storage"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { fieldOf, toId } from "./Ids.ts"

/** Three digits behind the point are enough for times in ms. */
const short = (ms: number) => Math.round(ms * 1000) / 1000

/** What the client is told of a completion, in JSON. */
export const noticeOf = (instance: InstanceId, measure: Measure): string =>
  `[${JSON.stringify(fieldOf(instance))},${short(measure.startedAt)},${short(measure.inputsMs)},${short(measure.executionMs)},${measure.inputBytes},${measure.outputBytes},${measure.tries}]`

const Id = Schema.Union([Schema.Number, Schema.String])
const Heard = Schema.fromJsonString(
  Schema.Union([
    Schema.Struct({ type: Schema.Literal("wake") }),
    Schema.Struct({ type: Schema.Literal("kept"), values: Schema.Array(Id) }),
    Schema.Struct({
      type: Schema.Literal("completed"),
      worker: Schema.String,
      instances: Schema.Number,
      // There are many: `toNotice` looks at each.
      completions: Schema.Array(Schema.Unknown)
    }),
    Schema.Struct({ type: Schema.Literal("started"), worker: Schema.String, instance: Id }),
    Schema.Struct({
      type: Schema.Literal("retry"),
      worker: Schema.String,
      instance: Id,
      tries: Schema.Number,
      error: Schema.String
    }),
    Schema.Struct({
      type: Schema.Literal("output"),
      worker: Schema.String,
      instance: Id,
      stream: Schema.Literals(["stdout", "stderr"]),
      text: Schema.String
    }),
    Schema.Struct({
      type: Schema.Literal("lost"),
      worker: Schema.String,
      instances: Schema.Number,
      reason: Schema.String
    }),
    Schema.Struct({
      type: Schema.Literal("unreachable"),
      worker: Schema.String,
      detail: Schema.String
    }),
    Schema.Struct({ type: Schema.Literal("reachable"), worker: Schema.String }),
    Schema.Struct({
      type: Schema.Literal("ended"),
      status: Schema.Literals(["running", "succeeded", "failed", "cancelled", "gone"]),
      makespanMs: Schema.optionalKey(Schema.Finite)
    })
  ])
)
const decodeHeard = Schema.decodeUnknownOption(Heard)

/** A completion in a message: the instance, then its measure. */
type Notice = readonly [string, number, number, number, number, number, number]

const isNotice = (said: unknown): said is Notice =>
  Array.isArray(said) &&
  said.length === 7 &&
  said.every((one, i) => typeof one === (i === 0 ? "string" : "number"))

const toNotice = (said: unknown): CompletedNotice | undefined => {
  if (!isNotice(said)) return undefined
  const [instance, startedAt, inputsMs, executionMs, inputBytes, outputBytes, tries] = said
  return {
    instance: toId(instance),
    measure: { startedAt, inputsMs, executionMs, inputBytes, outputBytes, tries }
  }
}

/** What was published on a channel; `undefined` for what is not ours. */
export const toMessage = (text: string): Message | undefined => {
  const heard = Option.getOrUndefined(decodeHeard(text))
  if (heard === undefined) return undefined
  if (heard.type === "kept") return { type: "kept", values: heard.values.map((id) => toId(String(id))) }
  if ("instance" in heard) return { ...heard, instance: toId(String(heard.instance)) }
  if (heard.type !== "completed") return heard
  return {
    type: "completed",
    worker: heard.worker,
    instances: heard.instances,
    completions: heard.completions.map(toNotice).filter((notice) => notice !== undefined)
  }
}

/** A message to publish. Completions are told by the script. */
export const fromMessage = (message: Message): string => {
  if (message.type === "completed") {
    const { completions, instances, worker } = message
    const told = completions.map(({ instance, measure }) => noticeOf(instance, measure))
    return `{"type":"completed","worker":${JSON.stringify(worker)},"instances":${instances},"completions":[${told.join(",")}]}`
  }
  if (message.type === "kept") return JSON.stringify({ ...message, values: message.values.map(fieldOf) })
  return JSON.stringify("instance" in message ? { ...message, instance: fieldOf(message.instance) } : message)
}
