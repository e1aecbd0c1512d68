using System.Globalization;
using OtpNet;

namespace OathServer.Fault.Tests.Nodes;

/// <summary>The codes of one secret, made by Otp.NET, with no code twice near itself: so each code stands for one counter,
/// and what the server accepted is known from the code alone.</summary>
internal sealed class CodeTable
{
    public const int Digits = 8;

    /// <summary>No code comes again within so many counters: more than any window looks at.</summary>
    public const int Apart = 256;

    private readonly string[] codes;
    private readonly HashSet<string> known;

    public CodeTable(int count)
    {
        for (byte variant = 0; ; variant++)
        {
            Secret = [.. "1234567890123456789"u8, variant];
            var hotp = new Hotp(Secret, OtpHashMode.Sha1, Digits);
            codes = [.. Enumerable.Range(0, count).Select(counter => hotp.ComputeHOTP(counter))];
            var last = new Dictionary<string, int>(count);
            if (codes.Index().All(code => !ComesAgain(last, code.Item, code.Index)))
            {
                known = [.. codes];
                return;
            }
        }
    }

    public byte[] Secret { get; }

    public int Count => codes.Length;

    public string this[long counter] => codes[counter];

    /// <summary>A code of no counter.</summary>
    public string Wrong(Random random)
    {
        while (true)
        {
            var code = random.Next(100_000_000).ToString("D8", CultureInfo.InvariantCulture);
            if (!known.Contains(code))
            {
                return code;
            }
        }
    }

    private static bool ComesAgain(Dictionary<string, int> last, string code, int counter)
    {
        var again = last.TryGetValue(code, out var before) && counter - before <= Apart;
        last[code] = counter;
        return again;
    }
}
