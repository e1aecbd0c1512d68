using System.Text;

namespace Pskc.Tests;

/// <summary>What is read of a key, and what is said of it.</summary>
public class KeyTests
{
    private static string Counter(string value) => Containers.WithData($"<Counter><PlainValue>{value}</PlainValue></Counter>");

    [Theory]
    [InlineData("0", 0)]
    [InlineData(" 42\n", 42)]
    [InlineData("9223372036854775807", long.MaxValue)]
    [InlineData("AAYxSg==", 405834)]
    [InlineData("NzA5Nzkx", 709791)]
    [InlineData("AAAAAAAAAAw=", 12)]
    public void A_plain_counter_is_decimal_or_Base64_that_speaks_for_itself(string text, long counter) =>
        Assert.Equal(counter, Containers.OnlyKey(Counter(text)).Counter);

    [Theory]
    [InlineData("-5")]
    [InlineData("+5")]
    [InlineData("0x10")]
    [InlineData("1e3")]
    [InlineData("1,000")]
    [InlineData("1 000")]
    [InlineData("٣")]
    [InlineData("９")]
    [InlineData("9223372036854775808")]
    [InlineData("TWELVE")]
    [InlineData("MTIzNDU2Nzg=")]
    public void A_counter_that_peers_misread_is_refused(string text)
    {
        var fault = Containers.Refused(Counter(text));

        Assert.True(fault.Fault is PskcFault.BadValue or PskcFault.AmbiguousInteger, fault.Message);
        Assert.Equal("S1", fault.SerialNo);
    }

    [Theory]
    [InlineData("30", IntegerReading.Refuse, null)]
    [InlineData("30", IntegerReading.DecimalText, 0L)]
    [InlineData("30", IntegerReading.BigEndian, 48L)]
    [InlineData("3030", IntegerReading.Refuse, null)]
    [InlineData("31323334", IntegerReading.Refuse, null)]
    [InlineData("3132333435363738", IntegerReading.Refuse, null)]
    [InlineData("323938353037", IntegerReading.Refuse, 298507L)]
    [InlineData("0c", IntegerReading.Refuse, 12L)]
    [InlineData("3bfec59c2d5592", IntegerReading.Refuse, 16887148308157842L)]
    [InlineData("0000000000000030", IntegerReading.Refuse, 48L)]
    [InlineData("00000000000000000000000000000030", IntegerReading.Refuse, 48L)]
    [InlineData("7fffffffffffffff", IntegerReading.Refuse, long.MaxValue)]
    [InlineData("8000000000000000", IntegerReading.Refuse, null)]
    public void Octets_that_mean_two_numbers_are_not_guessed(string hex, IntegerReading reading, long? expected)
    {
        long? read = null;
        try
        {
            read = Reading.IntegerOctets.Read(Convert.FromHexString(hex), 8, signed: false, reading, out _);
        }
        catch (PskcException e)
        {
            Assert.True(e.Fault is PskcFault.AmbiguousInteger or PskcFault.BadValue);
        }

        Assert.Equal(expected, read);
    }

    [Fact]
    public void A_drift_may_be_negative_plain_and_in_four_octets()
    {
        Assert.Equal(-122, Containers.OnlyKey(Containers.WithData("<TimeDrift><PlainValue>-122</PlainValue></TimeDrift>")).TimeDrift);
        Assert.Equal(-2, Reading.IntegerOctets.Read([0xFF, 0xFF, 0xFF, 0xFE], 4, signed: true, IntegerReading.Refuse, out _));
    }

    [Theory]
    [InlineData(null, OtpHash.Sha1)]
    [InlineData("HMAC-SHA256", OtpHash.Sha256)]
    [InlineData("sha256", OtpHash.Sha256)]
    [InlineData("SHA-512", OtpHash.Sha512)]
    [InlineData("HmacSHA1", OtpHash.Sha1)]
    [InlineData("HOTP-SHA256", OtpHash.Sha256)]
    [InlineData("Suite", null)]
    [InlineData("sm3", null)]
    public void A_suite_names_a_hash_or_makes_the_key_unusable(string? suite, OtpHash? hash)
    {
        var parameters = suite is null ? "" : $"<AlgorithmParameters><Suite>{suite}</Suite></AlgorithmParameters>";

        var key = Containers.OnlyKey(Containers.WithKey($"{parameters}<Data>{Containers.Secret}</Data>"));

        Assert.Equal((hash, hash is not null), (key.Hash, key.IsUsable));
    }

    [Theory]
    [InlineData("urn:ietf:params:xml:ns:keyprov:pskc:hotp", KeyAlgorithm.Hotp)]
    [InlineData("urn:ietf:params:xml:ns:keyprov:pskc#HOTP", KeyAlgorithm.Hotp)]
    [InlineData("http://www.ietf.org/keyprov/pskc#hotp", KeyAlgorithm.Hotp)]
    [InlineData("HOTP", KeyAlgorithm.Hotp)]
    [InlineData("urn:ietf:params:xml:ns:keyprov:pskc:totp", KeyAlgorithm.Totp)]
    [InlineData("urn:ietf:params:xml:ns:keyprov:pskc:ocra", KeyAlgorithm.Ocra)]
    [InlineData("urn:ietf:params:xml:ns:keyprov:pskc:pin", KeyAlgorithm.Pin)]
    [InlineData("http://www.yubico.com/#yubikey-aes", KeyAlgorithm.YubiKeyAes)]
    [InlineData("http://evil.example/#hotp", KeyAlgorithm.Other)]
    [InlineData("", KeyAlgorithm.Unspecified)]
    public void An_algorithm_is_known_by_every_name_it_goes_by(string uri, KeyAlgorithm algorithm) =>
        Assert.Equal(algorithm, Containers.OnlyKey(Containers.WithKey("", $"Id=\"1\" Algorithm=\"{uri}\"")).Algorithm);

    [Theory]
    [InlineData("<Odd xmlns=\"urn:odd\"/>")]
    [InlineData("<Odd/>")]
    [InlineData("<KeyUsage>Juggle</KeyUsage>")]
    [InlineData("<PINPolicy Weekday=\"Monday\"/>")]
    [InlineData("<PINPolicy PINUsageMode=\"Sing\"/>")]
    [InlineData("<PINPolicy><Odd/></PINPolicy>")]
    public void A_policy_not_wholly_understood_makes_the_key_unusable(string policy)
    {
        var key = Containers.OnlyKey(Containers.WithKey($"<Data>{Containers.Secret}</Data><Policy>{policy}</Policy>"));

        Assert.Equal((false, false), (key.Policy.Usable, key.IsUsable));
        Assert.StartsWith("its policy holds what is not understood", key.UnusableReason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_policy_tells_when_and_for_what_a_key_may_be_used()
    {
        var policy = new KeyPolicy
        {
            StartDate = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero),
            ExpiryDate = new DateTimeOffset(2027, 1, 1, 0, 0, 0, TimeSpan.Zero),
            KeyUsage = ["OTP"],
        };

        Assert.Null(policy.WhyNotOtp(policy.StartDate.Value));
        Assert.NotNull(policy.WhyNotOtp(policy.StartDate.Value.AddTicks(-1)));
        Assert.NotNull(policy.WhyNotOtp(policy.ExpiryDate.Value));
        Assert.NotNull((policy with { KeyUsage = ["CR"] }).WhyNotOtp(policy.StartDate.Value));
    }

    [Fact]
    public void A_key_without_secret_is_unusable_and_says_where_it_is_to_come_from()
    {
        Assert.Equal("it has no secret", Containers.OnlyKey(Containers.WithKey("")).UnusableReason);
        Assert.Equal("it has no secret; it is to be derived from 'Master'",
            Containers.OnlyKey(Containers.WithKey("<KeyReference>Master</KeyReference>")).UnusableReason);
    }

    [Theory]
    [InlineData("MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=", "the published test value")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAA=", "one octet repeated")]
    [InlineData("AQIDBAUGBwg=", "64 bits")]
    public void A_weak_secret_is_read_and_named(string secret, string reason)
    {
        var key = Containers.OnlyKey(Containers.WithKey($"<Data><Secret><PlainValue>{secret}</PlainValue></Secret></Data>"));

        Assert.True(key.IsWeak && key.IsUsable);
        Assert.Contains(reason, key.WeakReason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("<Secret><PlainValue></PlainValue></Secret>", PskcFault.BadValue)]
    [InlineData("<Secret><PlainValue>AAECAwQFBgcICQoLDA0ODxAREhM</PlainValue></Secret>", PskcFault.BadValue)]
    [InlineData("<Secret><PlainValue>AAEC*wQFBgcICQoLDA0ODxAREhM=</PlainValue></Secret>", PskcFault.BadValue)]
    [InlineData("<Secret><PlainValue>AAEC</PlainValue></Secret><Secret><PlainValue>AAED</PlainValue></Secret>", PskcFault.BadStructure)]
    [InlineData("<Secret><PlainValue><x/></PlainValue></Secret>", PskcFault.BadStructure)]
    [InlineData("stray<Secret/>", PskcFault.BadStructure)]
    [InlineData("<Secret xmlns=\"\"><PlainValue>AAEC</PlainValue></Secret>", PskcFault.MixedNamespaces)]
    [InlineData("<Secret xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc:1.0\"/>", PskcFault.MixedNamespaces)]
    public void A_secret_that_two_readers_would_read_differently_is_refused(string data, PskcFault fault) =>
        Assert.Equal(fault, Containers.Refused(Containers.WithKey($"<Data>{data}</Data>")).Fault);

    [Fact]
    public void A_secret_of_a_foreign_namespace_is_not_the_secret()
    {
        var key = Containers.OnlyKey(Containers.WithKey("<Data><x:Secret xmlns:x=\"urn:x\"><x:PlainValue>AAEC</x:PlainValue></x:Secret></Data>"));

        Assert.Null(key.Secret);
        Assert.Single(key.Extensions);
    }

    [Fact]
    public void A_comment_inside_a_value_neither_cuts_nor_hides_it() =>
        Assert.Equal(12, Containers.OnlyKey(Counter("1<!-- x -->2")).Counter);

    [Fact]
    public void Base32_and_hexadecimal_in_place_of_Base64_are_pointed_out()
    {
        Containers.Read(Encoding.UTF8.GetBytes(Containers.WithKey(
            "<Data><Secret><PlainValue>GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ</PlainValue></Secret></Data>")), null, out _, out var warnings);

        Assert.Contains(warnings, warning => warning.What.Contains("Base32", StringComparison.Ordinal));
    }

    [Fact]
    public void One_serial_may_hold_many_keys_but_no_key_twice()
    {
        using var none = ContainerProtection.None();
        var one = Containers.Hotp("S");
        var same = new KeyPackage { Manufacturer = "Test", SerialNo = "S", Keys = [new Key { Id = "other", Secret = new byte[20] }] };
        var issue = new KeyPackage { Manufacturer = "Test", SerialNo = "S", IssueNo = "2", Keys = [new Key { Id = "S", Secret = new byte[20] }] };

        Assert.Equal(3, Containers.Read(Containers.Write(new() { Protection = none }, one, same, issue)).Count);
        var fault = Containers.Refused(Containers.Write(new() { Protection = none }, one, same, one));

        Assert.Equal((PskcFault.DuplicateKey, "S"), (fault.Fault, fault.SerialNo));
    }

    [Fact]
    public void No_message_holds_a_secret()
    {
        var secret = "AAECAwQFBgcICQoLDA0ODxAREhM";
        var fault = Containers.Refused(Containers.WithKey($"<Data><Secret><PlainValue>{secret}</PlainValue></Secret></Data>"));

        Assert.DoesNotContain(secret, fault.ToString(), StringComparison.Ordinal);
    }
}
