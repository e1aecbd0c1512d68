using System.Globalization;
using System.Text.Json;

namespace Pskc.Tests;

public class CorpusTests
{
    [Fact]
    public void Every_file_a_peer_reads_is_read_to_the_same_keys()
    {
        Assert.SkipWhen(Corpus.Folder is null, Corpus.Absent);
        var files = Corpus.Files("read");

        var wrong = files.Select(Difference).Where(difference => difference is not null).ToList();

        Assert.True(wrong.Count == 0, string.Join("\n", wrong));
        Assert.Equal(89, files.Count);
    }

    [Fact]
    public void Every_file_that_should_be_refused_is_refused()
    {
        Assert.SkipWhen(Corpus.Folder is null, Corpus.Absent);
        var files = Corpus.Files("refuse");

        var read = files.Where(file => !Refused(file)).Select(file => file.Name).ToList();

        Assert.Empty(read);
        Assert.Equal(20, files.Count);
    }

    [Fact]
    public void Files_whose_private_key_nobody_has_are_read_for_their_structure()
    {
        Assert.SkipWhen(Corpus.Folder is null, Corpus.Absent);
        var files = Corpus.Files("structure-only");

        var wrong = files.Select(Difference).Where(difference => difference is not null).ToList();

        Assert.True(wrong.Count == 0, string.Join("\n", wrong));
        Assert.Equal(3, files.Count);
    }

    private static bool Refused(CorpusFile file)
    {
        try
        {
            Read(file, out _);
            return false;
        }
        catch (PskcException e)
        {
            TestContext.Current.TestOutputHelper?.WriteLine($"{file.Name}: {e.Fault}: {e.Message}");
            return true;
        }
    }

    private static List<KeyPackage> Read(CorpusFile file, out KeyContainerHeader header)
    {
        var options = file.Options();
        using var stream = File.OpenRead(file.Path);
        using var reader = PskcReader.Open(stream, options);
        header = reader.Header;
        return [.. reader.ReadKeyPackages()];
    }

    /// <summary>What differs from what was expected, every fact of it; null when nothing does.</summary>
    private static string? Difference(CorpusFile file)
    {
        var expected = file.Expected.GetProperty("keys").EnumerateArray()
            .Select(key => Facts(key)).ToList();
        List<SortedDictionary<string, string>> actual;
        try
        {
            actual = [.. Read(file, out _).SelectMany(package => package.Keys.Select(key => Facts(package, key)))];
        }
        catch (PskcException e)
        {
            return $"{file.Name}: {e.Fault}: {e.Message}";
        }
        if (expected.Count != actual.Count)
        {
            return $"{file.Name}: {actual.Count} keys, not {expected.Count}";
        }
        for (var i = 0; i < expected.Count; i++)
        {
            var (want, have) = (Text(expected[i]), Text(actual[i]));
            if (want != have)
            {
                return $"{file.Name} key {i}:\n  want {want}\n  have {have}";
            }
        }
        return null;
    }

    private static string Text(SortedDictionary<string, string> facts) =>
        string.Join(' ', facts.Select(fact => $"{fact.Key}={fact.Value}"));

    private static SortedDictionary<string, string> Facts(JsonElement key, string prefix = "")
    {
        var facts = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var property in key.EnumerateObject())
        {
            switch (property.Name)
            {
                case "errors":
                    break;
                case "policy":
                    foreach (var (name, value) in Facts(property.Value, "policy."))
                    {
                        facts.Add(name, value);
                    }
                    break;
                case "usage":
                    facts.Add(prefix + "usage", string.Join(',', property.Value.EnumerateArray()));
                    break;
                case "start" or "expiry" or "device_start" or "device_expiry":
                    facts.Add(prefix + property.Name, Instant(DateTimeOffset.Parse(property.Value.GetString()!,
                        CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal)));
                    break;
                default:
                    facts.Add(prefix + property.Name, property.Value.ToString());
                    break;
            }
        }
        return facts;
    }

    private static string Instant(DateTimeOffset date) => date.UtcDateTime.ToString("s", CultureInfo.InvariantCulture);

    private static SortedDictionary<string, string> Facts(KeyPackage package, Key key)
    {
        var facts = new SortedDictionary<string, string>(StringComparer.Ordinal);
        Add("id", key.Id);
        Add("serial", package.SerialNo);
        Add("manufacturer", package.Manufacturer);
        Add("model", package.Model);
        Add("issue_no", package.IssueNo);
        Add("device_start", package.StartDate);
        Add("device_expiry", package.ExpiryDate);
        Add("device_userid", package.UserId);
        Add("crypto_module", package.CryptoModuleId);
        Add("algorithm", key.AlgorithmUri);
        Add("suite", key.AlgorithmUri?.Contains('#') == true && key.Suite?.StartsWith("OCRA", StringComparison.Ordinal) == true
            ? null : key.Suite);
        Add("issuer", key.Issuer);
        Add("friendly_name", key.FriendlyName);
        Add("key_userid", key.UserId);
        Add("key_profile", key.KeyProfileId);
        Add("key_reference", key.KeyReference);
        Add("secret", key.Secret is null ? null : Convert.ToHexStringLower(key.Secret));
        Add("counter", key.Counter);
        Add("time", key.Time);
        Add("time_interval", key.TimeInterval);
        Add("time_drift", key.TimeDrift);
        Add("response_length", key.ResponseFormat?.Length);
        Add("response_encoding", key.ResponseFormat?.Encoding);
        Add("response_check", key.ResponseFormat?.CheckDigits);
        Add("challenge_encoding", key.ChallengeFormat?.Encoding);
        // The reader the expectations came from drops a minimum of 0.
        Add("challenge_min", key.ChallengeFormat?.Min is 0 ? null : key.ChallengeFormat?.Min);
        Add("challenge_max", key.ChallengeFormat?.Max);
        Add("challenge_check", key.ChallengeFormat?.CheckDigits);
        var policy = key.Policy;
        Add("policy.start", policy.StartDate);
        Add("policy.expiry", policy.ExpiryDate);
        Add("policy.usage", policy.KeyUsage.Count == 0 ? null : string.Join(',', policy.KeyUsage));
        Add("policy.transactions", policy.NumberOfTransactions);
        Add("policy.pin_key_id", policy.Pin?.PinKeyId);
        Add("policy.pin_usage", policy.Pin?.UsageMode);
        Add("policy.pin_min", policy.Pin?.MinLength);
        Add("policy.pin_max", policy.Pin?.MaxLength);
        Add("policy.pin_max_failed", policy.Pin?.MaxFailedAttempts);
        Add("policy.pin_encoding", policy.Pin?.Encoding);
        Add("policy.unknown", policy.Usable ? null : true);
        return facts;

        void Add(string name, object? value)
        {
            if (value is not null)
            {
                facts.Add(name, value switch
                {
                    DateTimeOffset date => Instant(date),
                    ValueEncoding encoding => encoding.ToString().ToUpperInvariant(),
                    _ => string.Create(CultureInfo.InvariantCulture, $"{value}"),
                });
            }
        }
    }
}
