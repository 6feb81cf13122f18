// Recordings for tests: what workers measure, without workers.
import type { InstanceId } from "@weft/core"
import type { Measure } from "@weft/storage"
import type { Life, Recorder } from "../src/Recorder.ts"

export const measure = (startedAt: number, more: Partial<Measure> = {}): Measure => ({
  startedAt,
  inputsMs: 1,
  executionMs: 10,
  inputBytes: 0,
  outputBytes: 8,
  tries: 1,
  ...more
})

/** A worker begins. */
export const begin = (recorder: Recorder, worker: string, beganAt = 1000, sentAt = beganAt - 50): Life =>
  recorder.begin({
    worker,
    named: false,
    memory: 2048,
    sentAt,
    beganAt,
    cold: true,
    loadMs: 5
  })

/** A worker has run a node. */
export const ran = (life: Life, instance: InstanceId, startedAt: number, attempt = 1): void =>
  life.node(instance, attempt, measure(startedAt), undefined, Number.NaN, 2)
