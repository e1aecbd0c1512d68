using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Pskc.Tests;

public class RoundTripTests
{
    public static TheoryData<ValueEncryption, int, bool> Encryptions()
    {
        var data = new TheoryData<ValueEncryption, int, bool>();
        foreach (var encryption in Enum.GetValues<ValueEncryption>())
        {
            foreach (var octets in encryption == ValueEncryption.TripleDesCbcHmacSha1 ? (int[])[16, 24] : [16, 24, 32])
            {
                data.Add(encryption, octets, true);
                data.Add(encryption, octets, false);
            }
        }
        return data;
    }

    [Fact]
    public void Every_cipher_is_tried_with_every_key_length() => Assert.Equal(34, Encryptions().Count);

    [Theory, MemberData(nameof(Encryptions))]
    public void What_is_written_is_read_back_by_every_cipher(ValueEncryption encryption, int octets, bool integers)
    {
        var key = RandomNumberGenerator.GetBytes(octets);
        using var protection = ContainerProtection.PreSharedKey(key, "shared", encryption);
        using var source = KeySource.PreSharedKey(key);

        var file = Containers.Write(new() { Protection = protection, EncryptIntegers = integers }, Full());

        var read = Containers.Read(file, new() { Key = source }, out var header, out var warnings);
        Assert.Equal(Facts.Of(Full()), Facts.Of(read));
        Assert.Equal(["shared"], header.KeyNames);
        Assert.Empty(warnings);
    }

    [Theory]
    [InlineData("SHA1")]
    [InlineData("SHA256")]
    [InlineData("SHA384")]
    [InlineData("SHA512")]
    public void A_passphrase_opens_what_it_closed_under_every_PRF(string prf)
    {
        using var protection = ContainerProtection.Passphrase("pässphrase", iterations: 1000,
            ValueEncryption.AesCbcHmacSha256, keyOctets: 32, new HashAlgorithmName(prf));
        using var source = KeySource.Passphrase("pässphrase");

        var file = Containers.Write(new() { Protection = protection }, Full());

        Assert.Equal(Facts.Of(Full()), Facts.Of(Containers.Read(file, new() { Key = source }, out var header, out _)));
        Assert.Equal(1000, header.Pbkdf2Iterations);
    }

    [Fact]
    public void The_recipient_of_a_certificate_opens_what_was_closed_to_it_from_PEM_and_PFX()
    {
        using var rsa = RSA.Create(2048);
        var request = new CertificateRequest("CN=Recipient", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        using var protection = ContainerProtection.Recipient(certificate);

        var file = Containers.Write(new() { Protection = protection }, Full());

        KeySource[] sources =
        [
            KeySource.PrivateKey(certificate),
            KeySource.FromPem(rsa.ExportPkcs8PrivateKeyPem()),
            KeySource.FromPem(rsa.ExportEncryptedPkcs8PrivateKeyPem("pw",
                new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000)), "pw"),
            KeySource.FromPfx(certificate.Export(X509ContentType.Pkcs12, "pw"), "pw"),
        ];
        foreach (var source in sources)
        {
            using (source)
            {
                Assert.Equal(Facts.Of(Full()), Facts.Of(Containers.Read(file, new() { Key = source }, out var header, out _)));
                Assert.Equal("CN=Recipient", header.RecipientSubject);
            }
        }
    }

    [Fact]
    public void Extensions_survive_reading_and_writing()
    {
        var text = Containers.WithKey($"<Data>{Containers.Secret}</Data>" +
            "<Extensions definition=\"urn:x\"><x:Lock xmlns:x=\"urn:x\" Code=\"98566d\"><x:In>ner</x:In></x:Lock></Extensions>");
        var first = Containers.Read(System.Text.Encoding.UTF8.GetBytes(text));
        using var none = ContainerProtection.None();

        var second = Containers.Read(Containers.Write(new() { Protection = none }, first));

        Assert.Equal(Facts.Of(first), Facts.Of(second));
        Assert.Contains("Code=\"98566d\"", second[0].Keys[0].Extensions.Single(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_million_encrypted_counters_come_back_unchanged()
    {
        using var protection = ContainerProtection.PreSharedKey(Containers.Key16);
        using var source = KeySource.PreSharedKey(Containers.Key16);
        var options = new PskcReadOptions { Key = source, Limits = new() { MaxKeysPerPackage = 2 } };
        var secret = RandomNumberGenerator.GetBytes(20);
        long wrong = 0, read = 0;
        // 25 files of 40,000, so that no more than one is in memory; a secret needs no repeating.
        for (long first = 0; first < 1_000_000; first += 40_000)
        {
            var start = first;
            var file = Containers.Write(new() { Protection = protection, EncryptIntegers = true, Indent = false },
                Enumerable.Range(0, 40_000).Select(i => Counter(start + i)));
            using var stream = new MemoryStream(file);
            using var reader = PskcReader.Open(stream, options);
            var expected = start;
            foreach (var package in reader.ReadKeyPackages())
            {
                read++;
                wrong += package.Keys[0].Counter == expected++ ? 0 : 1;
            }
        }

        Assert.Equal((1_000_000, 0), (read, wrong));

        static KeyPackage Counter(long value) => new() { Keys = [new Key { Id = value.ToString("D", null), Counter = value }] };
    }

    [Theory]
    [InlineData(0)]
    [InlineData(48)]
    [InlineData(12336)]
    [InlineData(uint.MaxValue)]
    [InlineData(long.MaxValue)]
    public void A_counter_survives_plain_and_encrypted_up_to_its_end(long counter)
    {
        using var protection = ContainerProtection.PreSharedKey(Containers.Key16);
        using var source = KeySource.PreSharedKey(Containers.Key16);
        foreach (var integers in (bool[])[true, false])
        {
            var file = Containers.Write(new() { Protection = protection, EncryptIntegers = integers },
                Containers.Hotp("S", counter: counter));

            Assert.Equal(counter, Containers.Read(file, new() { Key = source })[0].Keys[0].Counter);
        }
    }

    [Fact]
    public void Every_file_of_the_corpus_survives_reading_and_writing()
    {
        Assert.SkipWhen(Corpus.Folder is null, Corpus.Absent);
        using var none = ContainerProtection.None();
        var files = Corpus.Files("read");
        var tried = 0;
        foreach (var file in files)
        {
            var first = Containers.Read(File.ReadAllBytes(file.Path), file.Options());
            // A key needs an Id to be written, and a policy that was understood.
            if (first.SelectMany(package => package.Keys).Any(key => key.Id is null || !key.Policy.Usable))
            {
                continue;
            }
            tried++;

            var second = Containers.Read(Containers.Write(new() { Protection = none }, first));

            Assert.Equal(Facts.Of(first), Facts.Of(second));
        }
        Assert.Equal((89, 68), (files.Count, tried));
    }

    [Fact]
    public void A_policy_that_was_not_understood_is_not_written_freer_than_it_was_read()
    {
        var key = Containers.OnlyKey(Containers.WithKey($"<Data>{Containers.Secret}</Data><Policy><Odd xmlns=\"urn:odd\"/></Policy>"));
        using var none = ContainerProtection.None();

        Assert.Throws<ArgumentException>(() =>
            Containers.Write(new() { Protection = none }, new KeyPackage { Keys = [key] }));
    }

    private static KeyPackage[] Full()
    {
        var secret = Convert.FromHexString("000102030405060708090a0b0c0d0e0f10111213");
        return
        [
            new KeyPackage
            {
                Manufacturer = "oath.UB",
                SerialNo = "1234 & <5>",
                Model = "Ω",
                IssueNo = "2",
                DeviceBinding = "IMEI",
                StartDate = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
                ExpiryDate = new DateTimeOffset(2036, 1, 2, 3, 4, 5, TimeSpan.Zero),
                UserId = "CN=a",
                CryptoModuleId = "1",
                Keys =
                [
                    new Key
                    {
                        Id = "1234:1",
                        Algorithm = KeyAlgorithm.Totp,
                        Hash = OtpHash.Sha256,
                        Suite = "HMAC-SHA256",
                        Issuer = "I",
                        FriendlyName = "F",
                        UserId = "CN=b",
                        KeyProfileId = "P",
                        KeyReference = "R",
                        ResponseFormat = new ResponseFormat(ValueEncoding.Decimal, 8, true),
                        ChallengeFormat = new ChallengeFormat(ValueEncoding.Hexadecimal, 6, 8, false),
                        Secret = secret,
                        Counter = 1234567890,
                        Time = 0,
                        TimeInterval = 30,
                        TimeDrift = -122,
                        Policy = new KeyPolicy
                        {
                            StartDate = new DateTimeOffset(2026, 5, 1, 0, 0, 0, TimeSpan.Zero),
                            ExpiryDate = new DateTimeOffset(2027, 5, 1, 0, 0, 0, TimeSpan.Zero),
                            KeyUsage = ["OTP", "CR"],
                            NumberOfTransactions = 17,
                            Pin = new PinPolicy { PinKeyId = "p", UsageMode = "Local", MaxFailedAttempts = 8, MinLength = 4, MaxLength = 6, Encoding = ValueEncoding.Decimal },
                        },
                    },
                ],
            },
            new KeyPackage
            {
                SerialNo = "two",
                Keys = [new Key { Id = "two", Algorithm = KeyAlgorithm.Hotp, Hash = OtpHash.Sha1, Secret = secret, Counter = 0 }],
            },
        ];
    }
}
