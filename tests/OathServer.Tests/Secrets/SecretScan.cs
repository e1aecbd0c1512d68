using System.Collections.Concurrent;
using System.Text;
using OtpNet;

namespace OathServer.Tests.Secrets;

/// <summary>Secrets that a run used, and a search for them in whatever it left behind, in every form they could be written in.</summary>
internal sealed class SecretScan
{
    private readonly ConcurrentDictionary<string, List<Form>> secrets = new();

    public int Count => secrets.Count;

    /// <summary>Remembers a secret that is bytes.</summary>
    public void Add(string name, ReadOnlySpan<byte> secret) => secrets[name] = FormsOf(secret);

    /// <summary>Remembers a secret that is text.</summary>
    public void Add(string name, string secret)
    {
        var forms = FormsOf(Encoding.UTF8.GetBytes(secret));
        forms.Add(new("UTF-16", Encoding.Unicode.GetBytes(secret), IsNumber: false));
        if (secret.All(char.IsAsciiDigit))
        {
            // Inside a longer number it is that number's.
            forms[0] = forms[0] with { IsNumber = true };
        }

        secrets[name] = forms;
    }

    /// <summary>What was found: the secret, its form, and where.</summary>
    public IEnumerable<string> In(string place, byte[] data)
    {
        foreach (var (name, forms) in secrets)
        {
            foreach (var form in forms)
            {
                if (IndexOf(data, form) is >= 0 and var at)
                {
                    yield return $"{name} as {form.Name} in {place} at {at}";
                }
            }
        }
    }

    public IEnumerable<string> In(string place, string text) => In(place, Encoding.UTF8.GetBytes(text));

    /// <summary>In every file of a folder and below; a server may have them open.</summary>
    public IEnumerable<string> InFolder(string folder, Func<string, bool>? except = null)
    {
        foreach (var path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Where(p => except?.Invoke(p) != true))
        {
            byte[] data;
            try
            {
                using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
                data = new byte[stream.Length];
                data = data[..stream.ReadAtLeast(data, data.Length, throwOnEndOfStream: false)];
            }
            catch (FileNotFoundException)
            {
                continue;
            }

            foreach (var hit in In(path, data))
            {
                yield return hit;
            }
        }
    }

    private static int IndexOf(ReadOnlySpan<byte> data, Form form)
    {
        for (var from = 0; data[from..].IndexOf(form.Bytes) is >= 0 and var at; from += at + 1)
        {
            var (start, end) = (from + at, from + at + form.Bytes.Length);
            if (!form.IsNumber || !((start > 0 && IsWord(data[start - 1])) || (end < data.Length && IsWord(data[end]))))
            {
                return start;
            }
        }

        return -1;
    }

    private static bool IsWord(byte octet) => char.IsAsciiHexDigit((char)octet) || octet == '.';

    private static List<Form> FormsOf(ReadOnlySpan<byte> secret)
    {
        var swapped = secret.ToArray();
        foreach (ref var octet in swapped.AsSpan())
        {
            octet = (byte)((octet << 4) | (octet >> 4));
        }

        var forms = new List<Form>
        {
            new("itself", secret.ToArray(), IsNumber: false),
            Text("hexadecimal", Convert.ToHexString(secret)),
            Text("lower-case hexadecimal", Convert.ToHexStringLower(secret)),
            Text("hexadecimal with hyphens", BitConverter.ToString(secret.ToArray())),
            Text("Base32", Base32Encoding.ToString(secret.ToArray()).TrimEnd('=')),
            Text("lower-case Base32", Base32Encoding.ToString(secret.ToArray()).TrimEnd('=').ToLowerInvariant()),
            new("swapped nibbles", swapped, IsNumber: false),
        };
        // Base64 of something longer that holds the secret: what is certain of it at each of the three places it can begin.
        for (var before = 0; before < 3; before++)
        {
            var all = Convert.ToBase64String([.. new byte[before], .. secret]);
            var inside = all[(((before * 8) + 5) / 6)..((before + secret.Length) * 8 / 6)];
            forms.Add(Text($"Base64 from {before}", inside));
            if (inside.Contains('+', StringComparison.Ordinal) || inside.Contains('/', StringComparison.Ordinal))
            {
                forms.Add(Text($"Base64url from {before}", inside.Replace('+', '-').Replace('/', '_')));
            }
        }

        return forms;
    }

    private static Form Text(string name, string text) => new(name, Encoding.ASCII.GetBytes(text), IsNumber: false);

    private sealed record Form(string Name, byte[] Bytes, bool IsNumber);
}
