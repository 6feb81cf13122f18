/**
 * `@weft/storage-s3`: large values on S3, small ones elsewhere.
 */

export { type TieredOptions, tiered } from "@weft/storage"
export * as ObjectStoreS3 from "./ObjectStoreS3.ts"
export type { S3Options } from "./Options.ts"
export { stores, type WithS3Options, withS3 } from "./WithS3.ts"
