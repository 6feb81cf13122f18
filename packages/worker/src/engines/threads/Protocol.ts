/**
 * What the main thread and the engine's threads say to each other.
 *
 * The stores are in the main thread; a thread calls their operations by message. Small bytes are copied with the
 * message, large ones are put into shared memory once and then cost nothing.
 */
import { Codec, type InstanceId } from "@weft/core"
import type { Message, StoreErrorReason } from "@weft/storage"
import type { Invocation } from "../../Invocation.ts"

/** The services that a thread may call. */
export type ServiceName = "coordination" | "objects"

/** A `StoreError` as a message. */
export interface StoreErrorData {
  readonly reason: StoreErrorReason
  readonly operation: string
  readonly detail: string
}

/** From the main thread. */
export type ToThread =
  | { readonly type: "invoke"; readonly place: number; readonly invocation: Invocation }
  | { readonly type: "answer"; readonly call: number; readonly value: Parcel }
  | { readonly type: "failed"; readonly call: number; readonly error: StoreErrorData }
  | { readonly type: "message"; readonly subscription: string; readonly message: Message }
  | { readonly type: "close"; readonly run: string }
  | { readonly type: "ping"; readonly guard: number }

/**
 * From a thread. Subscriptions have ids that are unique among threads; a `place` is one invocation's: a worker of the
 * same name may run in another run, or for a moment twice.
 */
export type FromThread =
  | {
      readonly type: "call"
      readonly run: string
      readonly call: number
      readonly service: ServiceName
      readonly method: string
      readonly args: Parcel
    }
  | { readonly type: "publish"; readonly run: string; readonly channel: string; readonly message: Message }
  | {
      readonly type: "subscribe"
      readonly subscription: string
      readonly run: string
      readonly channel: string
    }
  | { readonly type: "unsubscribe"; readonly run: string; readonly subscription: string }
  | { readonly type: "invoke"; readonly run: string; readonly invocations: ReadonlyArray<Invocation> }
  | { readonly type: "left"; readonly place: number; readonly fault: string | undefined }
  | { readonly type: "idle" | "busy"; readonly place: number }
  | {
      readonly type: "guard"
      readonly guard: number
      readonly run: string
      readonly worker: string
      readonly instance: InstanceId
      readonly task: string
      readonly ms: number
    }
  | { readonly type: "release" | "pong"; readonly guard: number }
  | { readonly type: "closed"; readonly run: string }

/** Plain data on its way: packed by `Codec`, or as it is, for the structured clone algorithm. */
export type Parcel = { readonly packed: Uint8Array<ArrayBuffer> } | { readonly plain: unknown }

/**
 * Makes a parcel. What is said to coordination is packed: many small objects of a few shapes, which structured clone
 * takes three times as long for. Objects go as they are, so that their memory is shared.
 */
export const wrap = (service: ServiceName, data: unknown): Parcel =>
  service === "coordination" ? { packed: Codec.pack(data) } : { plain: data }

export const unwrap = (parcel: Parcel): unknown =>
  "packed" in parcel ? Codec.unpack(parcel.packed) : parcel.plain

/** The buffer that a parcel's packed data can be sent with, not copied. */
export const transferOf = (message: ToThread | FromThread): ReadonlyArray<ArrayBuffer> => {
  const parcel =
    message.type === "call" ? message.args : message.type === "answer" ? message.value : undefined
  return parcel !== undefined && "packed" in parcel ? [parcel.packed.buffer] : NOTHING
}
const NOTHING: ReadonlyArray<ArrayBuffer> = []

/** Bytes beyond this are shared rather than copied with each message. */
const SHARED_BYTES = 16_384

/** Bytes as they travel best: a view of a larger buffer would take the whole buffer along. */
export const portable = (bytes: Uint8Array): Uint8Array => {
  if (bytes.buffer instanceof SharedArrayBuffer) return bytes
  if (bytes.length > SHARED_BYTES) {
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length))
    shared.set(bytes)
    return shared
  }
  return bytes.length === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes)
}

export const portableInvocation = (invocation: Invocation): Invocation => ({
  ...invocation,
  values: invocation.values.map(([instance, bytes, stored]) => [instance, portable(bytes), stored]),
  spawn: invocation.spawn.map(portableInvocation)
})
