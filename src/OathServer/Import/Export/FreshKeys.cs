using System.Globalization;
using System.Security.Cryptography;
using Oath;
using OathServer.Storage;

namespace OathServer.Import.Export;

/// <summary>Keys to be made: fresh secrets from the system's random source, serial numbers counted up.</summary>
internal sealed record FreshKeys(int Count, string FirstSerial)
{
    public const int CountMax = 1_000_000;

    /// <summary>Above this a random start counter would look broken on a device's display.</summary>
    private const int RandomCounterMax = 1_000_000;

    public TokenType Type { get; init; } = TokenType.Hotp;

    public OathAlgorithm Algorithm { get; init; }

    public int Digits { get; init; } = 6;

    public int TimeStep { get; init; } = 30;

    public int SecretOctets { get; init; } = 20;

    /// <summary>The counter each starts from; null for a random one each.</summary>
    public long? Counter { get; init; } = 0;

    public string? Manufacturer { get; init; }

    /// <summary>What is wrong with it, in words; null when nothing is.</summary>
    public string? Fault() =>
        Count is < 1 or > CountMax ? $"--count is 1 to {CountMax}."
        : Digits is < Hotp.MinDigits or > Hotp.MaxDigits ? $"--digits is {Hotp.MinDigits} to {Hotp.MaxDigits}."
        : TimeStep is < 1 or > 3600 ? "--time-step is 1 to 3600 seconds."
        : SecretOctets is < 16 or > 64 ? "--secret-octets is 16 to 64; RFC 4226 wants at least 16."
        : Counter is < 0 or > SeedKey.CounterMax ? "--counter is 0 or more."
        : FirstSerial.Length > 64 || FirstSerial.Any(char.IsControl) || FirstSerial != FirstSerial.Trim() ? "--first-serial is up to 64 characters, without blanks around it."
        : Number().Length == 0 ? $"--first-serial must end in digits, which are counted up; {FirstSerial} does not."
        : Number().Length < 19 && long.Parse(Number(), CultureInfo.InvariantCulture) + Count - 1 >= Math.Pow(10, Number().Length)
            ? $"{Count} serial numbers from {FirstSerial} do not fit its {Number().Length} digits."
        : null;

    public IEnumerable<SeedKey> Make()
    {
        // The last 18 digits are counted; what stands before them stays.
        var number = Number();
        var prefix = FirstSerial[..^number.Length];
        var first = long.Parse(number, CultureInfo.InvariantCulture);
        for (var i = 0; i < Count; i++)
        {
            var serial = prefix + (first + i).ToString(CultureInfo.InvariantCulture).PadLeft(number.Length, '0');
            yield return new SeedKey
            {
                DeviceSerial = serial,
                KeyId = serial,
                Manufacturer = Manufacturer,
                Type = Type,
                Algorithm = Algorithm,
                Digits = Digits,
                TimeStep = Type == TokenType.Totp ? TimeStep : 0,
                Counter = Type == TokenType.Totp ? 0 : Counter ?? RandomNumberGenerator.GetInt32(RandomCounterMax),
                Secret = RandomNumberGenerator.GetBytes(SecretOctets),
            };
        }
    }

    private string Number()
    {
        var at = FirstSerial.Length;
        while (at > 0 && char.IsAsciiDigit(FirstSerial[at - 1]) && FirstSerial.Length - at < 18)
        {
            at--;
        }

        return FirstSerial[at..];
    }
}
