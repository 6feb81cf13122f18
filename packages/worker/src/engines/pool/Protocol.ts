/**
 * What a pool and its vessels (threads, processes) say to each other, whatever they are.
 *
 * A vessel runs code of others, which may write to the same channel: messages are checked when they come.
 */
import type { InstanceId } from "@weft/core"
import type { Carried, Invocation, Limited, Work } from "../../Invocation.ts"

/** A task that must end in time: whoever can stop the vessel sees to it. */
export interface Guard {
  readonly type: "guard"
  readonly guard: number
  readonly run: string
  readonly worker: string
  readonly instance: InstanceId
  readonly task: string
  readonly ms: number
}

/** To a vessel. */
export type ToVessel =
  | { readonly type: "prewarm"; readonly run: string }
  | { readonly type: "invoke"; readonly place: number; readonly invocation: Invocation }
  | { readonly type: "close"; readonly run: string }
  | { readonly type: "ping"; readonly ping: number }

/** From a vessel. A `place` is one invocation's: a worker of the same name may run in another run, or for a moment twice. */
export type FromVessel =
  | { readonly type: "ready" }
  | { readonly type: "invoke"; readonly run: string; readonly invocations: ReadonlyArray<Invocation> }
  | { readonly type: "prewarm"; readonly run: string; readonly workers: number }
  | { readonly type: "left"; readonly place: number; readonly fault: string | undefined }
  | { readonly type: "idle" | "busy"; readonly place: number }
  | Guard
  | { readonly type: "release"; readonly guard: number }
  | { readonly type: "pong"; readonly ping: number }
  | { readonly type: "closed"; readonly run: string }

type Fields<M> = { readonly [K in keyof M]: unknown }

const isNumber = (value: unknown): value is number => typeof value === "number"
const isString = (value: unknown): value is string => typeof value === "string"
const isInstance = (value: unknown): value is InstanceId => isNumber(value) || isString(value)
const isListOf = <A>(value: unknown, is: (one: unknown) => one is A): value is ReadonlyArray<A> =>
  Array.isArray(value) && value.every(is)

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

const isWork = (value: unknown): value is Work =>
  isObject(value) && isInstance(value.instance) && isNumber(value.attempt)

const isLimited = (value: unknown): value is Limited =>
  isObject(value) && isInstance(value.instance) && isNumber(value.workers)

const isCarried = (value: unknown): value is Carried =>
  Array.isArray(value) &&
  isInstance(value[0]) &&
  value[1] instanceof Uint8Array &&
  typeof value[2] === "boolean"

const isInvocation = (value: unknown): value is Invocation => {
  if (!isObject(value)) return false
  const { adopted, from, limited, memoryMiB, named, run, sentAt, spawn, values, work, worker } =
    value as Fields<Invocation>
  return (
    isString(run) &&
    isString(worker) &&
    typeof named === "boolean" &&
    (adopted === undefined || adopted === true) &&
    (from === undefined || isString(from)) &&
    (memoryMiB === undefined || isNumber(memoryMiB)) &&
    (sentAt === undefined || isNumber(sentAt)) &&
    (limited === undefined || isLimited(limited)) &&
    isListOf(work, isWork) &&
    isListOf(values, isCarried) &&
    isListOf(spawn, isInvocation)
  )
}

/** Whether something that came is a message from a vessel. */
export const isFromVessel = (message: unknown): message is FromVessel => {
  if (!isObject(message)) return false
  switch (message.type) {
    case "invoke":
      return isString(message.run) && isListOf(message.invocations, isInvocation)
    case "prewarm":
      return isString(message.run) && isNumber(message.workers)
    case "left":
      return isNumber(message.place) && (message.fault === undefined || isString(message.fault))
    case "idle":
    case "busy":
      return isNumber(message.place)
    case "guard":
      return (
        isNumber(message.guard) &&
        isString(message.run) &&
        isString(message.worker) &&
        isInstance(message.instance) &&
        isString(message.task) &&
        isNumber(message.ms)
      )
    case "release":
      return isNumber(message.guard)
    case "pong":
      return isNumber(message.ping)
    case "closed":
      return isString(message.run)
    default:
      return message.type === "ready"
  }
}

/** Whether something that came is a message to a vessel. */
export const isToVessel = (message: unknown): message is ToVessel => {
  if (!isObject(message)) return false
  switch (message.type) {
    case "invoke":
      return isNumber(message.place) && isInvocation(message.invocation)
    case "close":
    case "prewarm":
      return isString(message.run)
    case "ping":
      return isNumber(message.ping)
    default:
      return false
  }
}
