/**
 * Object stores for what agents keep outside of their records.
 */
export { FolderBlobStore, type FolderBlobStoreOptions } from './folder-blob-store.ts';
export { S3BlobStore, type S3BlobStoreOptions } from './s3-blob-store.ts';
