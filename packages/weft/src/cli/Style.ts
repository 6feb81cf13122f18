/**
 * Colours, where they are wanted: in terminals that have them, as `NO_COLOR` and `FORCE_COLOR` say.
 */
import { styleText } from "node:util"

/** Puts a text in a format. */
export type Style = (format: Parameters<typeof styleText>[0], text: string) => string

/** No colours. */
export const plain: Style = (_, text) => text

/** Colours if the stream shows them. */
export const styleFor =
  (stream: NodeJS.WriteStream): Style =>
  (format, text) =>
    styleText(format, text, { stream })

/** Whether the stream shows colours. */
export const hasColors = (stream: NodeJS.WriteStream): boolean => styleFor(stream)("red", "x") !== "x"

/** Whether lines on the stream can be written over: a terminal that is not in a build log. */
export const isLive = (stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): boolean =>
  stream.isTTY === true && env.TERM !== "dumb" && (env.CI ?? "") === ""
