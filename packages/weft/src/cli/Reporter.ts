/**
 * Who tells people about a run while it is under way: lines that are written over in a terminal, occasional lines in a
 * log, or nobody.
 */
import type { createLogUpdate } from "log-update"
import type { RunEvent } from "../Events.ts"
import type { Progress } from "./Progress.ts"
import { liveLines, outputLines, plainLine } from "./ProgressText.ts"
import type { Style } from "./Style.ts"
import { counted } from "./Units.ts"

/** Tells people about a run. */
export interface Reporter {
  /** The run has begun. `about` says where it runs. */
  readonly begin: (progress: Progress, about: string) => void
  readonly event: (event: RunEvent) => void
  /** Shows a line of text. */
  readonly line: (text: string) => void
  /** The run is over; nothing may be left on the screen but whole lines. */
  readonly end: () => void
}

/** Where a reporter writes, and what time it is. */
export interface Setting {
  readonly write: (text: string) => void
  readonly style: Style
  readonly now: () => number
}

/** Says nothing, but for lines that no task wrote. */
export const quiet = ({ write }: Pick<Setting, "write">): Reporter => ({
  begin: () => {},
  event: () => {},
  line: (text) => write(`${text}\n`),
  end: () => {}
})

/** How often a log gets a line, in ms. */
const LOG_MS = 5000

/** For logs. */
export const plain = ({ now, style, write }: Setting): Reporter => {
  const line = (text: string) => write(`${text}\n`)
  let progress: Progress | undefined
  let lastAt = 0
  let timer: NodeJS.Timeout | undefined
  const tick = () => {
    if (progress === undefined || now() - lastAt < LOG_MS) return
    lastAt = now()
    line(plainLine(progress, lastAt))
  }
  return {
    begin: (begun, about) => {
      progress = begun
      lastAt = now()
      line(`${begun.workflow}: started ${about}, ${counted(begun.total, "node")}`)
      timer = setInterval(tick, LOG_MS)
    },
    event: (event) => {
      if (event.type === "output") for (const text of outputLines(event.node, event.text, style)) line(text)
      if (event.type === "unreachable") line(`the store does not answer; trying again (${event.detail})`)
      if (event.type === "reachable") line("the store answers again")
      tick()
    },
    line,
    end: () => clearInterval(timer)
  }
}

/** How often the live lines are written anew, in ms. */
const FRAME_MS = 100
const HIDE_CURSOR = "\u001B[?25l"
const SHOW_CURSOR = "\u001B[?25h"

/** For terminals. `update` writes the live lines over. */
export const live = (
  { now, style, write }: Setting,
  update: ReturnType<typeof createLogUpdate>,
  columns: () => number
): Reporter => {
  let progress: Progress | undefined
  let lastAt = Number.NEGATIVE_INFINITY
  let timer: NodeJS.Timeout | undefined
  const restore = () => write(SHOW_CURSOR)
  const draw = () => {
    if (progress === undefined) return
    lastAt = now()
    update(liveLines(progress, lastAt, columns() - 1, style).join("\n"))
  }
  const lines = (texts: ReadonlyArray<string>) => {
    update.persist(texts.join("\n"))
    draw()
  }
  return {
    begin: (begun) => {
      progress = begun
      write(HIDE_CURSOR)
      process.once("exit", restore)
      draw()
      timer = setInterval(draw, FRAME_MS)
    },
    event: (event) => {
      if (event.type === "output") lines(outputLines(event.node, event.text, style))
      else if (now() - lastAt >= FRAME_MS) draw()
    },
    line: (text) => lines([text]),
    end: () => {
      clearInterval(timer)
      if (progress === undefined) return
      progress = undefined
      update.clear()
      restore()
      process.off("exit", restore)
    }
  }
}
