/** What of MongoDB's driver is loaded when a ledger is opened. A file of its own, as a bundle gives a package that is loaded so no names. */
export { BSON, MongoClient, MongoNetworkTimeoutError } from 'mongodb'
