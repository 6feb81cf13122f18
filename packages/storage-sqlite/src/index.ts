/**
 * `@weft/storage-sqlite`: the history of runs in one file.
 */

export * as HistorySqlite from "./HistorySqlite.ts"
