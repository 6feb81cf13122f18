import { GraphBuilder } from "@weft/core"
import type { InvocationRecord } from "@weft/lambda-local"
import { expect, test } from "vitest"
import { explain, type Part } from "../src/path.ts"
import { pass } from "../src/tasks.ts"
import type { Life, Span } from "../src/timed.ts"

const spans = (
  instance: number,
  inputs: number,
  execute: number,
  publish: number,
  complete: number,
  end: number
) =>
  [
    { stage: "inputs", instance, begin: inputs, end: execute },
    { stage: "execute", instance, begin: execute, end: publish },
    { stage: "publish", instance, begin: publish, end: complete },
    { stage: "complete", instance, begin: complete, end }
  ] satisfies ReadonlyArray<Span>

const life = (worker: string, cold: Life["cold"], ...all: ReadonlyArray<Span>): Life => ({
  run: "r",
  worker,
  environment: `of ${worker}`,
  cold,
  spans: all
})

const record = (worker: string, start: "cold" | "warm", receivedAt: number, queuedMs: number) =>
  ({ environment: `of ${worker}`, start, receivedAt, queuedMs }) as InvocationRecord

/** Parts that took time. */
const taken = (parts: Readonly<Record<Part, number>>) =>
  Object.fromEntries(Object.entries(parts).filter(([, ms]) => ms > 0))

const { graph } = GraphBuilder.make(pass(pass(1)), "chain")

test("the path of two nodes leads through the invocation of the second worker", () => {
  const parts = explain({
    graph,
    begunAt: 1000,
    endedAt: 1212,
    lives: [
      life(
        "a",
        { processAt: 1020, nodeAt: 1030, importedAt: 1050 },
        { stage: "start", instance: undefined, begin: 1060, end: 1060 },
        ...spans(0, 1061, 1062, 1102, 1103, 1120),
        { stage: "handOff", instance: 1, begin: 1108, end: 1120 }
      ),
      life(
        "b",
        undefined,
        { stage: "start", instance: undefined, begin: 1140, end: 1140 },
        ...spans(1, 1150, 1155, 1205, 1206, 1214)
      )
    ],
    records: [record("a", "cold", 1005, 10), record("b", "warm", 1115, 20)]
  })
  expect(taken(parts)).toEqual({
    "client invokes": 5,
    "Lambda: request, queue": 10 + 20,
    "start: environment, process": 5,
    "start: Node.js": 10,
    "start: runtime, import": 20,
    "handler: read, connect, adopt": 10 + 5,
    "worker, between stages": 1 + 10,
    inputs: 1 + 5,
    "user code": 40 + 50,
    publish: 1 + 1,
    complete: 5 + 6,
    "hand-off": 7
  })
})

test("a node whose worker runs another one first waits for it", () => {
  const parts = explain({
    graph,
    begunAt: 1000,
    endedAt: 1100,
    lives: [
      life(
        "a",
        undefined,
        { stage: "start", instance: undefined, begin: 1005, end: 1005 },
        ...spans(0, 1005, 1006, 1016, 1017, 1020),
        { stage: "execute", instance: "elsewhere", begin: 1025, end: 1060 },
        ...spans(1, 1062, 1063, 1083, 1084, 1100)
      )
    ],
    records: [record("a", "warm", 1001, 1)]
  })
  expect(taken(parts)).toEqual({
    "client invokes": 1,
    "Lambda: request, queue": 1,
    "handler: read, connect, adopt": 3,
    "worker, between stages": 5 + 2,
    "waiting for the worker": 35,
    inputs: 1 + 1,
    "user code": 10 + 20,
    publish: 1 + 1,
    complete: 3 + 16
  })
})
