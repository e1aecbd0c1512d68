using System.Security.Cryptography;
using OathServer.Secrets;

namespace OathServer.Tests.Secrets;

public sealed class SealerTests : IDisposable
{
    private static readonly byte[] Plain = "a shared secret!"u8.ToArray();
    private static readonly SealedPlace Place = SealedPlace.TokenSecret("A1", 1);

    private readonly KeyEncryptionKey key = new KeyInMemory(RandomNumberGenerator.GetBytes(32));

    [Fact]
    public void A_value_opens_where_it_was_sealed()
    {
        var sealer = new Sealer(key);

        Assert.Equal(Plain, sealer.Open(sealer.Seal(Plain, Place), Place));
    }

    [Fact]
    public void A_value_moved_to_another_row_column_table_or_generation_does_not_open()
    {
        var sealer = new Sealer(key);
        var blob = sealer.Seal(Plain, Place);

        foreach (var elsewhere in (SealedPlace[])
            [SealedPlace.TokenSecret("A2", 1), SealedPlace.TokenSecret("A1", 2), new("tokens", "A1", "other"), new("token", "sA1", "secret")])
        {
            Assert.Throws<SealBrokenException>(() => sealer.Open(blob, elsewhere));
        }
    }

    [Fact]
    public void No_bit_of_a_sealed_value_can_be_changed()
    {
        var sealer = new Sealer(key);
        var blob = sealer.Seal(Plain, Place);

        for (var bit = 0; bit < blob.Length * 8; bit++)
        {
            var edited = (byte[])blob.Clone();
            edited[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Throws<SealBrokenException>(() => sealer.Open(edited, Place));
        }
    }

    [Fact]
    public void A_shortened_value_is_refused_and_the_refusal_holds_no_secret()
    {
        var sealer = new Sealer(key);
        var blob = sealer.Seal(Plain, Place);

        for (var length = 0; length < blob.Length; length++)
        {
            var fault = Assert.Throws<SealBrokenException>(() => sealer.Open(blob.AsSpan(0, length), Place));
            Assert.DoesNotContain("a shared secret!", fault.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Rewrapping_changes_the_key_and_leaves_the_value()
    {
        using var next = new KeyInMemory(RandomNumberGenerator.GetBytes(32));
        var blob = new Sealer(key).Seal(Plain, Place);
        var rewrapped = new Sealer(next, [key]).Rewrap(blob, Place);

        Assert.Equal(next.Id, Sealer.KeyIdOf(rewrapped));
        Assert.Equal(Plain, new Sealer(next).Open(rewrapped, Place));
        Assert.Throws<SealBrokenException>(() => new Sealer(key).Open(rewrapped, Place));
    }

    [Fact]
    [System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
    public void A_key_file_is_made_closed_to_others_and_refused_when_opened_up()
    {
        var path = Path.Combine(Directory.CreateTempSubdirectory("oathserver-test-").FullName, "sealing.key");
        using (var made = KeyFile.Open(path, mayCreate: true))
        {
            using var again = KeyFile.Open(path, mayCreate: false);
            Assert.Equal(made.Id, again.Id);
        }

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.GroupRead);
        Assert.Contains("chmod 600", Assert.Throws<InvalidOperationException>(() => KeyFile.Open(path, mayCreate: true)).Message, StringComparison.Ordinal);
        File.Delete(path);
        Assert.Contains("missing", Assert.Throws<InvalidOperationException>(() => KeyFile.Open(path, mayCreate: false)).Message, StringComparison.Ordinal);
        Directory.Delete(Path.GetDirectoryName(path)!);
    }

    public void Dispose() => key.Dispose();
}
