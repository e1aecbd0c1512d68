using System.Buffers.Binary;
using System.Text;
using Oath;
using OathServer.Storage;

namespace OathServer.Validation;

/// <summary>
/// The facts of up to a million credentials in few large arrays: a line a credential, names in one arena, and an
/// open-addressed index of lines. A dictionary of objects costs three times as much and gives the collector a million
/// things to walk. Append-only; dropped as a whole. Safe for threads.
/// </summary>
internal sealed class FactsTable
{
    private const int LinesInChunk = 4096;
    private const int BytesInChunk = 64 * 1024;

    private readonly Lock turn = new();
    private readonly List<Line[]> chunks = [];
    private readonly List<byte[]> arena = [];
    private readonly List<string> realms = [];
    private int[] index = new int[1024];
    private int arenaUsed = BytesInChunk;
    private int keys;

    /// <summary>Lines written, replaced ones included.</summary>
    public int Count { get; private set; }

    /// <summary>The facts kept under a key, or null.</summary>
    /// <param name="key">The key.</param>
    /// <param name="text">The same as text: what is kept under its own serial number has it from there.</param>
    public CredentialFacts[]? Find(ReadOnlySpan<byte> key, string text)
    {
        lock (turn)
        {
            var line = index[SlotOf(key)] - 1;
            if (line < 0)
            {
                return null;
            }

            var facts = new CredentialFacts[LineAt(line).SetSize];
            for (var i = 0; i < facts.Length; i++)
            {
                facts[i] = Read(LineAt(line + i), text);
            }

            return facts;
        }
    }

    /// <summary>Keeps the facts of a key; what was kept under it before is no longer found.</summary>
    public void Keep(ReadOnlySpan<byte> key, CredentialFacts[] facts)
    {
        lock (turn)
        {
            if ((keys + 1) * 2 > index.Length)
            {
                Grow();
            }

            var first = Count;
            foreach (var each in facts)
            {
                Append(key, each, (byte)facts.Length);
            }

            var slot = SlotOf(key);
            keys += index[slot] == 0 ? 1 : 0;
            index[slot] = first + 1;
        }
    }

    private void Append(ReadOnlySpan<byte> key, CredentialFacts facts, byte setSize)
    {
        if (Count == chunks.Count * LinesInChunk)
        {
            chunks.Add(new Line[LinesInChunk]);
        }

        var realm = realms.IndexOf(facts.Realm);
        if (realm < 0)
        {
            realm = realms.Count;
            realms.Add(facts.Realm);
        }

        chunks[Count / LinesInChunk][Count % LinesInChunk] = new Line
        {
            Key = facts.Key,
            TokenId = facts.TokenId,
            Generation = facts.Generation,
            NameAt = Write(key, facts),
            Realm = checked((ushort)realm),
            TimeStep = checked((ushort)facts.TimeStep),
            Type = (byte)facts.Type,
            Digits = (byte)facts.Digits,
            SetSize = setSize,
        };
        Count++;
    }

    /// <summary>Key, serial number and holder, each with its length; the serial is left out where it is the key.</summary>
    private int Write(ReadOnlySpan<byte> key, CredentialFacts facts)
    {
        Span<byte> serial = stackalloc byte[Encoding.UTF8.GetMaxByteCount(facts.Serial.Length)];
        serial = serial[..Encoding.UTF8.GetBytes(facts.Serial, serial)];
        if (serial.SequenceEqual(key))
        {
            serial = [];
        }

        var holder = facts.PersonId == 0 ? 0 : sizeof(long);
        var size = 2 + key.Length + 2 + serial.Length + 1 + holder;
        if (arenaUsed + size > BytesInChunk)
        {
            arena.Add(GC.AllocateUninitializedArray<byte>(BytesInChunk));
            arenaUsed = 0;
        }

        var at = ((arena.Count - 1) * BytesInChunk) + arenaUsed;
        var into = arena[^1].AsSpan(arenaUsed);
        into = into[WriteText(into, key)..];
        into = into[WriteText(into, serial)..];
        into[0] = (byte)holder;
        if (holder > 0)
        {
            BinaryPrimitives.WriteInt64LittleEndian(into[1..], facts.PersonId);
        }

        arenaUsed += size;
        return at;
    }

    private static int WriteText(Span<byte> into, ReadOnlySpan<byte> text)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(into, checked((ushort)text.Length));
        text.CopyTo(into[2..]);
        return 2 + text.Length;
    }

    private CredentialFacts Read(in Line line, string keyText)
    {
        _ = TextAt(line.NameAt, out var after);
        var serial = TextAt(after, out after);
        var rest = arena[after / BytesInChunk].AsSpan(after % BytesInChunk);
        return new CredentialFacts
        {
            TokenId = line.TokenId,
            Serial = serial.IsEmpty ? keyText : Encoding.UTF8.GetString(serial),
            Realm = realms[line.Realm],
            Type = (TokenType)line.Type,
            Digits = line.Digits,
            TimeStep = line.TimeStep,
            Generation = line.Generation,
            PersonId = rest[0] == 0 ? 0 : BinaryPrimitives.ReadInt64LittleEndian(rest[1..]),
            Key = line.Key,
        };
    }

    private ReadOnlySpan<byte> TextAt(int at, out int after)
    {
        var text = arena[at / BytesInChunk].AsSpan(at % BytesInChunk);
        var length = BinaryPrimitives.ReadUInt16LittleEndian(text);
        after = at + 2 + length;
        return text.Slice(2, length);
    }

    private ref Line LineAt(int line) => ref chunks[line / LinesInChunk][line % LinesInChunk];

    /// <summary>Where a key stands in the index, or the free place where it would.</summary>
    private int SlotOf(ReadOnlySpan<byte> key)
    {
        var hash = default(HashCode);
        hash.AddBytes(key);
        var slot = hash.ToHashCode() & (index.Length - 1);
        while (index[slot] != 0 && !TextAt(LineAt(index[slot] - 1).NameAt, out _).SequenceEqual(key))
        {
            slot = (slot + 1) & (index.Length - 1);
        }

        return slot;
    }

    private void Grow()
    {
        var before = index;
        index = new int[before.Length * 2];
        foreach (var line in before)
        {
            if (line != 0)
            {
                index[SlotOf(TextAt(LineAt(line - 1).NameAt, out _))] = line;
            }
        }
    }

    private struct Line
    {
        public OathKey Key;
        public long TokenId;
        public int Generation;
        public int NameAt;
        public ushort Realm;
        public ushort TimeStep;
        public byte Type;
        public byte Digits;

        /// <summary>How many lines from this one belong to the key.</summary>
        public byte SetSize;
    }
}
