/** What the names of roles tell. */

/** Names that S3's console gives: `s3crr_role_for_BUCKET`, and with a suffix for both buckets. */
const CONSOLE_ROLE = /:role\/s3crr_role_/;

/**
 * Whether an ARN names a role that the console makes without the path that the console gives it.
 *
 * @source aws-replication.md §5.2, §11.3 row 26
 */
export function lacksServicePath(roleArn: string): boolean {
  return CONSOLE_ROLE.test(roleArn);
}
