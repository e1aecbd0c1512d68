using System.Data.Common;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace OathServer.Storage;

/// <summary>Tells a database that is away for the moment from one that refuses for a reason.</summary>
internal static class StorageFault
{
    /// <summary>Whether <paramref name="fault"/>, or what caused it, passes: a lost or refused connection, a full pool, a
    /// server that stops or starts, a lock not had in time, a transaction to be repeated.</summary>
    public static bool IsPassing(Exception fault)
    {
        for (var cause = fault; cause is not null; cause = cause.InnerException)
        {
            if (cause is StorageUnavailableException)
            {
                return true;
            }

            if (cause is PostgresException refused)
            {
                // Classes: connection (08), transaction to be repeated (40), resources (53), operator (57). Read-only
                // (25006): a primary that became a standby.
                return refused.IsTransient || refused.SqlState[..2] is "08" or "40" or "53" or "57"
                    || refused.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.ReadOnlySqlTransaction;
            }

            // The disk is full or fails (SQLITE_FULL, SQLITE_IOERR), or somebody holds the database for long (SQLITE_BUSY).
            if (cause is SqliteException { SqliteErrorCode: 13 or 10 or 5 })
            {
                return true;
            }

            if (cause is NpgsqlException or DbException { IsTransient: true })
            {
                return true;
            }

            // A connection lost between two statements: the driver then says of the transaction that it is over.
            if (cause is InvalidOperationException { Source: "Npgsql" })
            {
                return true;
            }
        }

        return false;
    }
}
