/** The configuration of the small Ceph cluster that `rgw.ts` runs. */

export interface Ports {
  readonly monitor: number;
  /** The first of `OSD_PORTS`. */
  readonly osd: number;
  readonly a: number;
  readonly b: number;
}

export interface ClusterOptions {
  /** Default: in memory. Objects of GiB are for the disk, where they take a file of their own. */
  readonly objectStore?: "memstore" | "bluestore";
  /** Both gateways are zones of one zonegroup, and replicate to each other by themselves. */
  readonly multisite?: boolean;
}

export const OSD_PORTS = 16;
/** Of a file that takes as much of the disk as is written. */
const BLOCK_BYTES = 40 * 2 ** 30;

/**
 * Comments name what a setting is there for. Not set: `rgw bucket quota ttl`, for with 0 the quota of users is never
 * enforced.
 */
export function configurationText(
  directory: string,
  fsid: string,
  ports: Ports,
  { objectStore = "memstore", multisite = false }: ClusterOptions,
): string {
  const gateway = (name: "a" | "b") => `
[client.rgw.${name}]
rgw realm = ${multisite ? "realm" : `realm-${name}`}
rgw zonegroup = ${multisite ? "group" : `group-${name}`}
rgw zone = zone-${name}
# Without tcp_nodelay every small answer on a kept-alive connection takes 44 ms.
rgw frontends = beast endpoint=127.0.0.1:${ports[name]} tcp_nodelay=1`;
  return `[global]
fsid = ${fsid}
mon initial members = a
mon host = v2:127.0.0.1:${ports.monitor}
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
ms bind port min = ${ports.osd}
ms bind port max = ${ports.osd + OSD_PORTS - 1}
auth cluster required = none
auth service required = none
auth client required = none
cephx require signatures = false
keyring = ${directory}/none
run dir = ${directory}/run
admin socket = ${directory}/run/$name.asok
log file = ${directory}/log/$name.log
crash dir = ${directory}/log
debug rgw = 0/0
debug ms = 0/0
debug osd = 0/0
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 2000
mon warn on pool no redundancy = false
mon data avail crit = 1
mon data avail warn = 2
# Pools are made one proposal after the other.
paxos propose interval = 0.02
paxos min wait = 0.01
[mon.a]
mon data = ${directory}/mon
host = localhost
public addr = 127.0.0.1
[osd.0]
host = localhost
osd data = ${directory}/osd
osd objectstore = ${objectStore}
bluestore block size = ${BLOCK_BYTES}
memstore device bytes = 8589934592
osd class load list = *
osd class default list = *
# So long every change of a user waits for a gateway that was killed. Living ones report every 5 s.
osd client watch timeout = 10
osd op num shards = 2
osd op num threads per shard = 1
[client]
# "secure", the gateway's own choice, never connects without keys and costs 30 s a start.
ms mon client mode = crc
rgw crypt require ssl = false
rgw crypt s3 kms backend = testing
rgw dns name = localhost
rgw override bucket index max shards = 1
# So long an upload stays locked whose completion was killed. The gateway's own choice is ten minutes.
rgw mp lock max time = 60
rgw run sync thread = ${multisite}${gateway("a")}${gateway("b")}
`;
}
