using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace OathServer.Storage;

/// <summary>The true outcome of an attempt, for staff; a relying party only learns accepted or not.</summary>
internal enum Outcome : byte
{
    /// <summary>Nothing said: refused.</summary>
    Refused = 0,
    Accepted = 1,
    WrongCode = 2,
    Replayed = 3,
    Throttled = 4,
    Locked = 5,
    UnknownUser = 6,
    UnknownToken = 7,
    NotInUse = 8,
    ResyncRequired = 9,
    Resynchronised = 10,
    ResyncFirstCodeNotFound = 11,
    ResyncNotConsecutive = 12,
    ResyncAmbiguous = 13,
    ResyncAlreadyUsed = 14,
    Unlocked = 15,
    OtherRealm = 16,

    /// <summary>The last accepted request came again after a lost reply and got its answer again.</summary>
    Repeated = 17,

    /// <summary>The same code was tried against many users or tokens; refused unseen while the alarm lasts.</summary>
    GuessingAlarm = 18,

    /// <summary>There is no token here; the old server accepted the code.</summary>
    AcceptedElsewhere = 19,

    /// <summary>There is no token here; the old server refused the code.</summary>
    RefusedElsewhere = 20,

    /// <summary>A token that was moved in was taken past the codes that the old server accepted since.</summary>
    CaughtUp = 21,

    /// <summary>The PIN before the code was wrong or missing; the code was not looked at.</summary>
    WrongPin = 22,
}

/// <summary>One attempt, as help desk reads it back.</summary>
internal readonly record struct LoggedAttempt(
    DateTimeOffset At, long TokenId, int ApiKeyId, Outcome Outcome, long Counter, int Distance, string? Subject, int Generation = 0);

/// <summary>
/// The attempts of one batch, packed into one row: at (8), token (8), API key (4), outcome (1), counter (8),
/// distance (4), length of the subject (1), generation of the secret (4), subject (UTF-8). The generation is kept where a
/// counter moved, 0 elsewhere; the subject is kept where no token was found,
/// and of a resynchronisation it is who of staff asked for it. Codes are never in it.
/// </summary>
internal sealed class ValidationLog
{
    private const int FixedSize = 8 + 8 + 4 + 1 + 8 + 4 + 1 + 4;
    private const int SubjectMax = 64;

    private readonly ArrayBufferWriter<byte> buffer = new(4096);

    public ReadOnlySpan<byte> Entries => buffer.WrittenSpan;

    public ReadOnlyMemory<byte> EntriesMemory => buffer.WrittenMemory;

    public void Clear() => buffer.ResetWrittenCount();

    public void Add(
        DateTimeOffset at, long tokenId, int apiKeyId, Outcome outcome, long counter = 0, int distance = 0, string? subject = null,
        int generation = 0)
    {
        var entry = buffer.GetSpan(FixedSize + SubjectMax);
        BinaryPrimitives.WriteInt64BigEndian(entry, at.ToUnixTimeMilliseconds());
        BinaryPrimitives.WriteInt64BigEndian(entry[8..], tokenId);
        BinaryPrimitives.WriteInt32BigEndian(entry[16..], apiKeyId);
        entry[20] = (byte)outcome;
        BinaryPrimitives.WriteInt64BigEndian(entry[21..], counter);
        BinaryPrimitives.WriteInt32BigEndian(entry[29..], distance);
        var length = 0;
        if (subject is not null)
        {
            // A longer name is cut at a whole character.
            Encoding.UTF8.GetEncoder().Convert(subject, entry.Slice(FixedSize, SubjectMax), flush: true, out _, out length, out _);
        }

        entry[33] = (byte)length;
        BinaryPrimitives.WriteInt32BigEndian(entry[34..], generation);
        buffer.Advance(FixedSize + length);
    }

    /// <summary>Reads a packed row back.</summary>
    public static IEnumerable<LoggedAttempt> Read(byte[] entries)
    {
        for (var at = 0; at < entries.Length;)
        {
            var entry = entries.AsSpan(at);
            var length = entry[33];
            yield return new LoggedAttempt(
                DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64BigEndian(entry)),
                BinaryPrimitives.ReadInt64BigEndian(entry[8..]),
                BinaryPrimitives.ReadInt32BigEndian(entry[16..]),
                (Outcome)entry[20],
                BinaryPrimitives.ReadInt64BigEndian(entry[21..]),
                BinaryPrimitives.ReadInt32BigEndian(entry[29..]),
                length == 0 ? null : Encoding.UTF8.GetString(entry.Slice(FixedSize, length)),
                BinaryPrimitives.ReadInt32BigEndian(entry[34..]));
            at += FixedSize + length;
        }
    }
}
