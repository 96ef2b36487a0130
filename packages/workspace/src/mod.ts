/**
 * Folders for the files of agents, and object stores for all that agents keep outside of their records.
 */
export { FolderBlobStore, type FolderBlobStoreOptions } from './folder-blob-store.ts';
export { type FolderWorkspacesOptions, folderWorkspaces } from './folder-workspaces.ts';
export { S3BlobStore, type S3BlobStoreOptions } from './s3-blob-store.ts';
