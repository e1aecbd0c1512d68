namespace Oath.Tests;

public sealed class OathKeyTests
{
    [Theory]
    [InlineData(OathAlgorithm.Sha1, 64)]
    [InlineData(OathAlgorithm.Sha256, 88)]
    [InlineData(OathAlgorithm.Sha512, 152)]
    public void A_key_is_one_small_object(OathAlgorithm algorithm, int mostBytes)
    {
        const int Keys = 1000;
        byte[] secret = new byte[20];
        var keys = new OathKey[Keys];
        keys[0] = OathKey.Create(algorithm, secret);

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < Keys; i++)
            keys[i] = OathKey.Create(algorithm, secret);
        long each = (GC.GetAllocatedBytesForCurrentThread() - before) / Keys;

        Assert.InRange(each, 1, mostBytes);
        Assert.Equal(algorithm, keys[^1].Algorithm);
    }

    [Fact]
    public void A_cleared_key_holds_nothing_and_decides_nothing()
    {
        foreach (OathAlgorithm algorithm in Enum.GetValues<OathAlgorithm>())
        {
            OathKey key = OathKey.Create(algorithm, new byte[20]);
            Assert.True(key.Midstates.ContainsAnyExcept((byte)0));

            key.Dispose();

            Assert.False(key.Midstates.ContainsAnyExcept((byte)0));
            Assert.Throws<ObjectDisposedException>(() => Hotp.Compute(key, 0, digits: 6));
            Assert.Throws<ObjectDisposedException>(() => LookAheadWindow.TryMatch(key, 0, 9, default, out _));
            Assert.Throws<ObjectDisposedException>(() => Resynchronization.Find(key, 0, 9, new OtpCode[2]));
            Assert.Throws<ObjectDisposedException>(() => Totp.TryMatch(key, 9, 0, 1, 1, 0, default, out _));
        }
    }

    [Fact]
    public void An_empty_secret_and_an_unknown_algorithm_are_refused()
    {
        Assert.Throws<ArgumentException>(() => OathKey.Create(OathAlgorithm.Sha1, []));
        Assert.Throws<ArgumentOutOfRangeException>(() => OathKey.Create((OathAlgorithm)3, new byte[20]));
    }

    [Fact]
    public void Every_default_is_a_refusal()
    {
        using OathKey key = OathKey.Create(OathAlgorithm.Sha1, new byte[20]);

        Assert.False(default(ResynchronizationResult).Found);
        Assert.Equal(ResynchronizationOutcome.FirstCodeNotFound, default(ResynchronizationOutcome));
        Assert.Throws<InvalidOperationException>(() => default(ResynchronizationResult).NextCounter);
        Assert.Throws<InvalidOperationException>(() => default(ResynchronizationResult).LastMatched);
        Assert.Throws<InvalidOperationException>(() => default(ResynchronizationResult).Distance);
        Assert.False(LookAheadWindow.TryMatch(key, 0, lookAhead: 10_000, default, out _));
        Assert.False(Totp.TryMatch(key, 50_000, 0, 10_000, 10_000, 0, default, out _));
        Assert.False(Resynchronization.Find(key, 0, window: 10_000, new OtpCode[2]).Found);
        Assert.False(Resynchronization.Find(key, 0, window: 10_000, new OtpCode[3]).Found);
    }
}
