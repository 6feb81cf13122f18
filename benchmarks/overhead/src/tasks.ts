/**
 * What the benchmarks run: as weft's tasks, and as plain functions for the baselines.
 */
import { task } from "weft"
import * as work from "./work.ts"

export const pass = task("pass", work.pass)
export const add = task("add", work.add)
export const gather = task("gather", work.gather)
export const make = task("make", work.make)
export const length = task("length", work.length)
export const burn = task("burn", work.burn)
