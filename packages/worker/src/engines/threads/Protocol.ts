/**
 * What the main thread and the engine's threads say to each other, beside what all vessels do.
 *
 * The stores are in the main thread; a thread calls their operations by message. Small bytes are copied with the
 * message, large ones are put into shared memory once and then cost nothing.
 */
import { Codec, type InstanceId } from "@weft/core"
import type { Message, StoreErrorReason, StreamNews } from "@weft/storage"
import type { Invocation } from "../../Invocation.ts"

/** The services that a thread may call. */
export type ServiceName = "coordination" | "objects" | "streams" | "history"

/** A `StoreError` as a message. */
export interface StoreErrorData {
  readonly reason: StoreErrorReason
  readonly operation: string
  readonly detail: string
}

/** What a call of a store comes to. */
export type Answer =
  | { readonly type: "answer"; readonly call: number; readonly value: Parcel }
  | { readonly type: "failed"; readonly call: number; readonly error: StoreErrorData }
  | { readonly type: "message"; readonly subscription: string; readonly message: Message }

/** A call of a store. Subscriptions have ids that are unique among threads. */
export type Call =
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
  | {
      readonly type: "follow"
      readonly subscription: string
      readonly run: string
      readonly stream: InstanceId
      readonly news: StreamNews
    }
  | { readonly type: "unsubscribe"; readonly run: string; readonly subscription: string }

/** Plain data on its way: packed by `Codec`, or as it is, for the structured clone algorithm. */
export type Parcel = { readonly packed: Uint8Array<ArrayBuffer> } | { readonly plain: unknown }

/**
 * Makes a parcel. What is said to coordination and streams is packed: many small objects of a few shapes, which
 * structured clone takes three times as long for. Objects go as they are, so that their memory is shared.
 */
export const wrap = (service: ServiceName, data: unknown): Parcel =>
  service === "objects" ? { plain: data } : { packed: Codec.pack(data) }

export const unwrap = (parcel: Parcel): unknown =>
  "packed" in parcel ? Codec.unpack(parcel.packed) : parcel.plain

/** The buffer that a parcel's packed data can be sent with, not copied. */
export const transferOf = (message: { readonly type: string }): ReadonlyArray<ArrayBuffer> => {
  const known = message as Call | Answer
  const parcel = known.type === "call" ? known.args : known.type === "answer" ? known.value : undefined
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
