/**
 * `@weft/engine-lambda`: the engine `lambda`.
 */
export {}
