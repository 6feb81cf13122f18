/** The tasks of the traces, each by its name: they compute as long, and give values as large, as they are told. */
import { type Task, task } from "weft"
import { type Effort, join } from "./tasks.ts"

type Replayed = Task<[effort: Effort, values: ReadonlyArray<Uint8Array>], Uint8Array>
const replayed = (name: string): Replayed => task(name, join)

// BLAST: sequences compared with a database, in 40 parts.
export const split_fasta = replayed("split_fasta")
export const blastall = replayed("blastall")
export const cat_blast = replayed("cat_blast")
export const cat = replayed("cat")

// Epigenomics: DNA reads, filtered, mapped and merged.
export const chr21 = replayed("chr21")
export const fast2bfq = replayed("fast2bfq")
export const fastqSplit = replayed("fastqSplit")
export const filterContams = replayed("filterContams")
export const map = replayed("map")
export const mapMerge = replayed("mapMerge")
export const pileup = replayed("pileup")
export const sol2sanger = replayed("sol2sanger")

// Montage: a mosaic of the sky from three bands.
export const mProject = replayed("mProject")
export const mDiffFit = replayed("mDiffFit")
export const mConcatFit = replayed("mConcatFit")
export const mBgModel = replayed("mBgModel")
export const mBackground = replayed("mBackground")
export const mImgtbl = replayed("mImgtbl")
export const mAdd = replayed("mAdd")
export const mViewer = replayed("mViewer")

// SoyKB: variants in the genomes of soybeans.
export const alignment_to_reference = replayed("alignment_to_reference")
export const sort_sam = replayed("sort_sam")
export const dedup = replayed("dedup")
export const add_replace = replayed("add_replace")
export const realign_target_creator = replayed("realign_target_creator")
export const indel_realign = replayed("indel_realign")
export const haplotype_caller = replayed("haplotype_caller")
export const merge_gcvf = replayed("merge_gcvf")
export const genotype_gvcfs = replayed("genotype_gvcfs")
export const combine_variants = replayed("combine_variants")
export const select_variants_snp = replayed("select_variants_snp")
export const filtering_snp = replayed("filtering_snp")
export const select_variants_indel = replayed("select_variants_indel")
export const filtering_indel = replayed("filtering_indel")
