using Npgsql;

namespace OathServer.Storage;

/// <summary>
/// The chain of the validation log that one writer continues. Nodes have no names: each connection takes the lowest
/// chain that nobody holds, by an advisory lock that ends with it, so there are no more chains than there were nodes at
/// the same time. Should two ever continue one chain, the log's primary key refuses the second.
/// </summary>
internal sealed class PostgreSqlChain
{
    /// <summary>The class of our advisory locks, "OATH" in ASCII: locks of other programs in this database do not meet
    /// ours. Number 0 is held while the storage starts, 1 and up are the chains.</summary>
    public const int LockClass = 0x4F415448;

    private const int ChainsMax = 10_000;

    private PostgreSqlChain(int node) => Node = node;

    /// <summary>The chain's number; 0 is SQLite's.</summary>
    public int Node { get; }

    public long Sequence { get; private set; }

    public byte[] Mac { get; private set; } = new byte[ValidationChain.MacSize];

    public static PostgreSqlChain Take(NpgsqlConnection connection, AcceptanceJournal? journal = null)
    {
        for (var node = 1; node <= ChainsMax; node++)
        {
            using var take = new NpgsqlCommand("SELECT pg_try_advisory_lock($1, $2)", connection)
            {
                Parameters = { new() { Value = LockClass }, new() { Value = node } },
            };
            if (take.ExecuteScalar() is true)
            {
                var chain = new PostgreSqlChain(node);
                chain.ReadHead(connection, journal);
                return chain;
            }
        }

        throw new StorageUnavailableException($"{ChainsMax} writers are connected to this database.");
    }

    public void MoveTo(byte[] mac)
    {
        Sequence++;
        Mac = mac;
    }

    private void ReadHead(NpgsqlConnection connection, AcceptanceJournal? journal)
    {
        using var head = new NpgsqlCommand(
            "SELECT sequence, mac, at, entries FROM validation_log WHERE node = $1 ORDER BY sequence DESC LIMIT 1", connection)
        {
            Parameters = { new() { Value = Node } },
        };
        using var reader = head.ExecuteReader();
        if (reader.Read())
        {
            Sequence = reader.GetInt64(0);
            Mac = (byte[])reader.GetValue(1);
            // Whoever held this chain before may have crashed between commit and journal.
            journal?.Append(new JournaledBatch(Node, Sequence, reader.GetInt64(2), (byte[])reader.GetValue(3), Mac));
        }
    }
}
