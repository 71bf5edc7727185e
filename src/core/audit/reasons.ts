/** What reasons of an audit mean, for people; codes of the failure catalogue keep its words. */
import { FAILURES, isFailureCode } from "../failures/catalogue.ts";

const OWN: Readonly<Record<string, { readonly title: string; readonly remedy: string }>> = {
  NotThere: { title: "The version is not at the destination", remedy: "Replicate it: --repair, or lockstep resync" },
  NotThereYet: { title: "The version is PENDING: it is being replicated", remedy: "Wait, or see lockstep status" },
  ReplicaRemoved: {
    title: "The version was replicated, and its replica was removed for good",
    remedy: "Copy the object in place at the source: the copy is a new version, and replicates",
  },
  NewerVersionThere: {
    title: "The version is not at the destination, which holds newer ones: it could only be put on top of them",
    remedy: "Copy it by hand where it is needed: the current object is there",
  },
  NotExamined: { title: "The version is not at the destination, and was not looked at", remedy: "Audit a prefix" },
  NotSelected: {
    title: "No rule takes the version to this destination",
    remedy: "Nothing, or a rule that takes it",
  },
  SizeDiffers: { title: "The bytes differ: the sizes do", remedy: "Copy the object in place at the source" },
  ChecksumDiffers: { title: "The bytes differ: a checksum does", remedy: "Copy the object in place at the source" },
  BytesDiffer: { title: "The bytes differ: both were read", remedy: "Copy the object in place at the source" },
  MetadataDiffers: { title: "The metadata differ", remedy: "Copy the object in place at the source" },
  // The catalogue has a code of this name for tags that a rule asks for.
  TagSetsDiffer: {
    title: "The tags differ",
    remedy: "--repair brings the source's, or tag the object there once more: the change replicates",
  },
  OrderDiffers: {
    title: "The versions are in another order",
    remedy: "Copy the current object in place at the source",
  },
  MarkerNotThere: { title: "A delete marker is not at the destination", remedy: "lockstep resync brings it" },
  MarkerOnlyThere: {
    title: "A delete marker is at the destination only: the object is deleted there",
    remedy: "Remove the marker at the destination",
  },
  MarkerIsObject: { title: "A delete marker is an object at the destination", remedy: "Delete the object there" },
  ObjectIsMarker: { title: "An object is a delete marker at the destination", remedy: "Remove the marker there" },
  OnlyThere: { title: "A version that is at the destination only", remedy: "See who wrote it" },
  WrittenThere: {
    title: "Somebody wrote a version at the destination",
    remedy: "See who may write there besides the replication",
  },
  SourceRemoved: {
    title: "The replica of a version that was removed for good at the source, which is not replicated",
    remedy: "By design: put the Lifecycle rules of the source on the destination too",
  },
  OtherSource: { title: "The replica of another bucket's version", remedy: "Nothing: another replication brought it" },
};

/** One sentence for a reason; undefined for one that is not known. */
export function reasonTitle(reason: string): string | undefined {
  return OWN[reason]?.title ?? (isFailureCode(reason) ? FAILURES[reason].title : undefined);
}

export function reasonRemedy(reason: string): string | undefined {
  return OWN[reason]?.remedy ?? (isFailureCode(reason) ? FAILURES[reason].remedy : undefined);
}
