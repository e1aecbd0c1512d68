using SharpFuzz;

namespace Pskc.Bench;

/// <summary>The reader under afl++, which sees through SharpFuzz which branches each file takes. What is no
/// <see cref="PskcException"/> is a crash; every file is read under the key, and under the passphrase, of its seeds.</summary>
internal static class Fuzz
{
    private static PskcReadOptions[]? ways;

    public static int Run()
    {
        Fuzzer.OutOfProcess.Run(stream =>
        {
            // Not before: instrumented code counts into memory that SharpFuzz has set up by now.
            ways ??= Ways();
            using var file = new MemoryStream();
            stream.CopyTo(file);
            foreach (var way in ways)
            {
                file.Position = 0;
                try
                {
                    using var reader = PskcReader.Open(file, way);
                    foreach (var package in reader.ReadKeyPackages())
                    {
                        package.Dispose();
                    }
                }
                catch (PskcException)
                {
                    // What a bad file is answered with.
                }
            }
        });
        return 0;
    }

    private static PskcReadOptions[] Ways()
    {
        var key = KeySource.PreSharedKey(Convert.FromHexString("12345678901234567890123456789012"));
        var limits = new PskcLimits { MaxPbkdf2Iterations = 2000 };
        return
        [
            new() { Key = key, Limits = limits },
            new() { Key = key, Limits = limits, MacPolicy = MacPolicy.NoCheck, AllowUnauthenticated = true, IntegerReading = IntegerReading.BigEndian },
            new() { Key = KeySource.Passphrase("qwerty"), Limits = limits, MacPolicy = MacPolicy.SkipKey },
        ];
    }
}
