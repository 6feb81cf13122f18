/**
 * What the main thread and the engine's threads say to each other.
 *
 * The stores are in the main thread; a thread calls their operations by message. Small bytes are copied with the
 * message, large ones are put into shared memory once and then cost nothing.
 */
import type { InstanceId } from "@weft/core"
import type { Completion, Kept, Message, StoreErrorReason } from "@weft/storage"
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
  | { readonly type: "invoke"; readonly invocation: Invocation }
  | { readonly type: "answer"; readonly call: number; readonly value: unknown }
  | { readonly type: "failed"; readonly call: number; readonly error: StoreErrorData }
  | { readonly type: "message"; readonly subscription: string; readonly message: Message }
  | { readonly type: "close"; readonly run: string }

/** From a thread. Subscriptions have ids that are unique among threads. */
export type FromThread =
  | {
      readonly type: "call"
      readonly run: string
      readonly call: number
      readonly service: ServiceName
      readonly method: string
      readonly args: ReadonlyArray<unknown>
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
  | { readonly type: "left"; readonly worker: string; readonly fault: string | undefined }
  | { readonly type: "idle" | "busy"; readonly worker: string }
  | {
      readonly type: "guard"
      readonly guard: number
      readonly worker: string
      readonly instance: InstanceId
      readonly task: string
      readonly ms: number
    }
  | { readonly type: "release"; readonly guard: number }
  | { readonly type: "closed"; readonly run: string }

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
  values: invocation.values.map(([instance, bytes]) => [instance, portable(bytes)]),
  spawn: invocation.spawn.map(portableInvocation)
})

export const portableKept = (kept: Kept): Kept =>
  kept.value === "object" ? kept : { ...kept, value: portable(kept.value) }

export const portableCompletion = (completion: Completion): Completion =>
  completion.keep.length === 0 ? completion : { ...completion, keep: completion.keep.map(portableKept) }
