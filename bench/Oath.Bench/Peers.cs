using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using OtpNet;

namespace Oath.Bench;

/// <summary>How others look through a window, each the fastest way its own interface offers.</summary>
internal sealed class Peers
{
    private readonly OtpNet.Hotp hotp;
    private readonly byte[] secret;
    private readonly OathAlgorithm algorithm;

    public Peers(OathAlgorithm algorithm, byte[] secret)
    {
        this.secret = secret;
        this.algorithm = algorithm;
        OtpHashMode mode = algorithm switch
        {
            OathAlgorithm.Sha1 => OtpHashMode.Sha1,
            OathAlgorithm.Sha256 => OtpHashMode.Sha256,
            _ => OtpHashMode.Sha512,
        };
        hotp = new OtpNet.Hotp(secret, mode, hotpSize: 6);
    }

    /// <summary>Otp.NET, its object kept: every code of the window, or up to the match.</summary>
    public int OtpNetWindow(ulong counter, int codes, string code, bool stopAtMatch)
    {
        int found = -1;
        for (int i = 0; i < codes; i++)
        {
            if (hotp.ComputeHOTP((long)counter + i) == code && found < 0)
                found = i;
            if (stopAtMatch && found >= 0)
                break;
        }

        return found;
    }

    /// <summary>The framework's one-shot HMAC and the arithmetic of RFC 4226, without any text.</summary>
    public int HashDataWindow(ulong counter, int codes, uint code)
    {
        Span<byte> message = stackalloc byte[8];
        Span<byte> digest = stackalloc byte[64];
        int found = -1;
        for (int i = 0; i < codes; i++)
        {
            BinaryPrimitives.WriteUInt64BigEndian(message, counter + (ulong)i);
            int length = algorithm switch
            {
                OathAlgorithm.Sha1 => HMACSHA1.HashData(secret, message, digest),
                OathAlgorithm.Sha256 => HMACSHA256.HashData(secret, message, digest),
                _ => HMACSHA512.HashData(secret, message, digest),
            };
            uint value = BinaryPrimitives.ReadUInt32BigEndian(digest[(digest[length - 1] & 15)..]) & 0x7FFFFFFF;
            if (value % 1_000_000 == code && found < 0)
                found = i;
        }

        return found;
    }

    /// <summary>liboath: the counter and <paramref name="codes"/> - 1 after it, stopping at a match.</summary>
    public int LibOathWindow(ulong counter, int codes, byte[] codeWithEnd) =>
        LibOath.Validate(secret, (nuint)secret.Length, counter, (nuint)(codes - 1), codeWithEnd);
}

/// <summary>The C library of oath-toolkit, where it is installed.</summary>
internal static partial class LibOath
{
    private const string Library = "liboath.so.0";

    public static bool IsInstalled { get; } =
        NativeLibrary.TryLoad(Library, out nint library) && NativeLibrary.GetExport(library, "oath_init") != 0
            && Init() == 0;

    [LibraryImport(Library, EntryPoint = "oath_hotp_validate")]
    public static partial int Validate(byte[] secret, nuint length, ulong factor, nuint window, byte[] code);

    [LibraryImport(Library, EntryPoint = "oath_init")]
    private static partial int Init();
}
